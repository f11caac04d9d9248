import { ItemUnreadable } from '../../shared/inputs/errors.ts';
import { isJsonObject, type Json } from '../../shared/json.ts';
import type { ItemInput } from '../model-adapter.ts';
import type { SamplePacker } from './batched-model.ts';
import { OnnxSignatureDiffers } from './errors.ts';
import type { OnnxSession } from './session.ts';
import { type FeedData, isNumberType, type Port, toTensor } from './tensor-data.ts';
import { problemOfNumbers } from './tensor-input.ts';

/** Values of one input of one item, row by row. */
export interface NamedValue {
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

/** Values of one item by name of the model's input. */
export type NamedInputs = ReadonlyMap<string, NamedValue>;

/** Feeds a model of several inputs of numbers, text or truth values: an item is a JSON object with a value per input. */
export class NamedPacker implements SamplePacker<NamedInputs> {
  readonly batch: number | undefined;
  readonly #ports: readonly Port[];

  /** @throws OnnxSignatureDiffers for an input without a batch, or of another type */
  constructor({ file, inputs }: Pick<OnnxSession, 'file' | 'inputs'>) {
    for (const { name, type, shape } of inputs)
      if (shape.length === 0 || !(isNumberType(type) || type === 'string' || type === 'bool'))
        throw new OnnxSignatureDiffers(
          file,
          `its input ${name} is ${type ?? 'no tensor'} [${shape.join(', ')}]`,
          'Export it with inputs of numbers, text or bool whose first size is that of the batch, and the others as constants.',
        );
    const sizes = new Set(
      inputs.map(({ shape: [size] }) => (typeof size === 'number' && size > 0 ? size : 0)),
    );
    sizes.delete(0);
    if (sizes.size > 1)
      throw new OnnxSignatureDiffers(
        file,
        `its inputs have the batch sizes ${[...sizes].join(' and ')}`,
        'Export it with one size of the batch.',
      );
    [this.batch] = sizes;
    this.#ports = inputs;
  }

  /** Reads the values of one item. Names that are not inputs are ignored. @throws ItemUnreadable */
  async read(input: ItemInput): Promise<NamedInputs> {
    const { item } = input;
    const document = await input.json();
    const names = this.#ports.map(({ name }) => name);
    if (!isJsonObject(document))
      throw new ItemUnreadable(item, `is not a JSON object with a value for each input: ${names.join(', ')}`);
    const missing = names.filter((name) => !Object.hasOwn(document, name));
    if (missing.length > 0)
      throw new ItemUnreadable(
        item,
        `has no value for the inputs ${missing.join(', ')}; it has ${Object.keys(document).slice(0, 20).join(', ')}`,
      );
    const values = new Map<string, NamedValue>();
    for (const port of this.#ports) {
      const value = readValue(document[port.name]!, port);
      if (typeof value === 'string') throw new ItemUnreadable(item, `has at ${port.name} ${value}`);
      values.set(port.name, value);
    }
    return values;
  }

  isAlike(first: NamedInputs, second: NamedInputs): boolean {
    return this.#ports.every(({ name }) => first.get(name)!.shape.join() === second.get(name)!.shape.join());
  }

  feed(samples: readonly NamedInputs[], count: number = samples.length): Record<string, FeedData> {
    return Object.fromEntries(
      this.#ports.map(({ name, type }) => {
        const { shape } = samples[0]!.get(name)!;
        const size = shape.reduce((product, each) => product * each, 1);
        const dims = [count, ...shape];
        const values = samples.flatMap((sample) => sample.get(name)!.values);
        while (values.length < count * size) values.push(type === 'string' ? '' : 0);
        if (type === 'string') return [name, { type, data: values as string[], dims }];
        if (type === 'bool') return [name, { type, data: Uint8Array.from(values as number[]), dims }];
        if (!isNumberType(type)) throw new TypeError(`input ${name} is ${type}`);
        return [name, toTensor(type, Float64Array.from(values as number[]), dims)];
      }),
    );
  }
}

/** The value, or what is wrong with it. */
function readValue(value: Json, port: Port): NamedValue | string {
  const shape: number[] = [];
  for (let at: Json | undefined = value; Array.isArray(at); at = at[0]) shape.push(at.length);
  const values = [value].flat(shape.length as 1) as Json[];
  const size = shape.reduce((product, each) => product * each, 1);
  if (values.length !== size || values.some((each) => Array.isArray(each)))
    return 'lists of different lengths';
  const wanted = port.shape.slice(1);
  const isScalar = shape.length === 0 && wanted.every((each) => typeof each === 'string' || each === 1);
  const fits =
    wanted.length === shape.length &&
    wanted.every((each, index) => typeof each === 'string' || each <= 0 || each === shape[index]);
  if (!fits && !isScalar)
    return `the shape [${shape.join(', ')}], and the model takes [${port.shape.join(', ')}]`;
  const converted = values.map((each) =>
    typeof each === 'boolean' && port.type === 'bool' ? Number(each) : each,
  );
  const problem = problemOfValues(converted, port.type);
  return (
    problem ?? { shape: isScalar ? wanted.map(() => 1) : shape, values: converted as (number | string)[] }
  );
}

function problemOfValues(values: readonly Json[], type: string | undefined): string | undefined {
  const kind = type === 'string' ? 'string' : 'number';
  const other = values.find((each) => typeof each !== kind || (type === 'bool' && each !== 0 && each !== 1));
  if (other !== undefined) return `${JSON.stringify(other).slice(0, 100)}, and the model takes ${type}`;
  if (!isNumberType(type)) return undefined;
  return problemOfNumbers(type, values as number[]);
}
