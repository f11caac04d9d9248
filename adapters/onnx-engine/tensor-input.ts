import * as z from 'zod/mini';
import { ItemUnreadable } from '../../shared/inputs/errors.ts';
import { isJsonObject, type Json } from '../../shared/json.ts';
import type { ItemInput } from '../model-adapter.ts';
import type { Feeds, SamplePacker } from './batched-model.ts';
import { OnnxSignatureDiffers } from './errors.ts';
import { findInput } from './image-input.ts';
import { type NumberTensor, NumpyMalformed, readNumpy } from './numpy-file.ts';
import type { OnnxSession } from './session.ts';
import { isNumberType, type NumberType, type Port, toTensor } from './tensor-data.ts';

/** How an item of numbers becomes the model's input. */
export const tensorInputSchema = z.strictObject({
  kind: z.literal('tensor'),
  /** Name of the input; null: the model's only one. */
  name: z.nullable(z.string()),
  /** Order of the numbers of a JSON object by their names; null: by name. */
  features: z.nullable(z.array(z.string()).check(z.minLength(1))),
});
export type TensorInput = z.output<typeof tensorInputSchema>;

export const TENSOR_INPUT_DEFAULTS = { kind: 'tensor', name: null, features: null } as const;

/** Numbers of one item. */
const MOST_ELEMENTS = 2 ** 26;
const MOST_DIMENSIONS = 8;

/**
 * Numbers of an item: a `.npy` file, or JSON: a list, lists of lists, `{"shape": [...], "data": [...]}`, or an object of
 * numbers by name, in the order of `features`. @throws ItemUnreadable
 */
export async function readTensor(input: ItemInput, { features }: TensorInput): Promise<NumberTensor> {
  const { item } = input;
  try {
    if (item.filename.toLowerCase().endsWith('.npy')) return readNumpy(await input.bytes(), MOST_ELEMENTS);
    return tensorOf(await input.json(), features);
  } catch (error) {
    if (error instanceof NumpyMalformed || error instanceof JsonMalformed)
      throw new ItemUnreadable(item, error.message, error);
    throw error;
  }
}

class JsonMalformed extends Error {}

function tensorOf(document: Json, features: readonly string[] | null): NumberTensor {
  if (Array.isArray(document)) return listed(document);
  if (!isJsonObject(document)) throw new JsonMalformed('holds neither a list nor an object of numbers');
  const { shape, data } = document;
  if (Array.isArray(shape) && Array.isArray(data)) {
    if (shape.length > MOST_DIMENSIONS)
      throw new JsonMalformed(`has a shape of ${shape.length} dimensions, ${MOST_DIMENSIONS} are allowed`);
    const flat = listed(data);
    const count = shape.reduce<number>((product, size) => product * Number(size), 1);
    if (!shape.every((size) => Number.isInteger(size) && Number(size) >= 0) || count !== flat.values.length)
      throw new JsonMalformed(
        `has ${flat.values.length} numbers, which are not of the shape ${JSON.stringify(shape)}`,
      );
    return { values: flat.values, shape: shape.map(Number) };
  }
  const names = features ?? Object.keys(document).sort();
  const missing = names.filter((name) => !Object.hasOwn(document, name));
  if (missing.length > 0) throw new JsonMalformed(`lacks ${missing.slice(0, 10).join(', ')}`);
  return listed(names.map((name) => document[name]!));
}

/** Lists of lists have one length at each depth. */
function listed(list: readonly Json[]): NumberTensor {
  const shape: number[] = [];
  for (let at: Json | undefined = list as Json; Array.isArray(at); at = at[0]) shape.push(at.length);
  if (shape.length > MOST_DIMENSIONS) throw new JsonMalformed(`is nested more than ${MOST_DIMENSIONS} deep`);
  const values: number[] = [];
  const walk = (value: Json, depth: number): void => {
    if (depth === shape.length) {
      if (typeof value !== 'number')
        throw new JsonMalformed(`has ${JSON.stringify(value)} where a number is to be`);
      values.push(value);
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[depth])
      throw new JsonMalformed('has lists of different lengths');
    for (const each of value) walk(each, depth + 1);
  };
  walk(list as Json, 0);
  return { values: Float64Array.from(values), shape };
}

/** Largest magnitudes of real types, and ranges of whole ones. */
const RANGES: Readonly<Record<NumberType, readonly [number, number]>> = {
  float16: [-65_504, 65_504],
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE],
  uint8: [0, 255],
  int8: [-128, 127],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/** First number that a type cannot have; `undefined` when it can have all. NaN and Infinity of a file are real numbers. */
export function problemOfNumbers(type: NumberType, values: ArrayLike<number>): string | undefined {
  const [least, most] = RANGES[type];
  const isReal = type.startsWith('float');
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!;
    if (isReal && !Number.isFinite(value)) continue;
    if (value >= least && value <= most && (isReal || Number.isInteger(value))) continue;
    return `${value}, and the model takes ${type}`;
  }
  return undefined;
}

/** Writes samples into one tensor, `[n, ...shape of a sample]`; samples of other shapes are of another run. */
export class TensorPacker implements SamplePacker<NumberTensor> {
  readonly input: string;
  readonly batch: number | undefined;
  readonly #type: NumberType;
  readonly #port: Port;

  /** @throws OnnxSignatureDiffers */
  constructor({ file, inputs }: OnnxSession, spec: TensorInput) {
    const port = findInput(file, inputs, spec.name);
    if (!isNumberType(port.type) || port.shape.length === 0)
      throw new OnnxSignatureDiffers(
        file,
        `its input ${port.name} is ${port.type ?? 'no tensor'} [${port.shape.join(', ')}]`,
        'Export it with an input of numbers whose first size is that of the batch.',
      );
    const [batch] = port.shape;
    this.input = port.name;
    this.batch = typeof batch === 'number' && batch > 0 ? batch : undefined;
    this.#type = port.type;
    this.#port = port;
  }

  /** Why the model cannot take a sample; `undefined` when it can. */
  problemOf({ shape, values }: NumberTensor): string | undefined {
    const wanted = this.#port.shape.slice(1);
    const fits =
      wanted.length === shape.length &&
      wanted.every((size, index) => typeof size === 'string' || size <= 0 || size === shape[index]);
    if (!fits) return `has the shape [${shape.join(', ')}], the model takes [${this.#port.shape.join(', ')}]`;
    const problem = problemOfNumbers(this.#type, values);
    return problem === undefined ? undefined : `has ${problem}`;
  }

  feed(samples: readonly NumberTensor[], count?: number): Feeds {
    return { [this.input]: this.pack(samples, count) };
  }

  isAlike(first: NumberTensor, second: NumberTensor): boolean {
    return (
      first.shape.length === second.shape.length && first.shape.every((size, at) => size === second.shape[at])
    );
  }

  pack(samples: readonly NumberTensor[], count: number = samples.length) {
    const [first] = samples;
    const size = first?.values.length ?? 0;
    const values = new Float64Array(count * size);
    for (const [index, sample] of samples.entries()) values.set(sample.values, index * size);
    return toTensor(this.#type, values, [count, ...(first?.shape ?? [])]);
  }
}
