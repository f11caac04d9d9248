import { closeSync, fstatSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { OnnxModelInvalid } from './errors.ts';
import { FileWindow } from './file-window.ts';
import { type Field, fieldsOf, ProtobufMalformed, packedNumbers, signed, textOf } from './protobuf.ts';

/** How whole numbers of an output become real ones: (number - zeroPoint) * scale. */
export interface Quantisation {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Facts about one output that the runtime does not report. */
export interface OutputFacts {
  /** Function that the values have passed last; undefined where the graph ends in another operator. */
  readonly activation: 'softmax' | 'sigmoid' | undefined;
  /** Undefined when the graph does not end in QuantizeLinear with constant parameters. */
  readonly quantisation: Quantisation | undefined;
  /** Class names by column, as operators of `ai.onnx.ml` contain them. */
  readonly classNames: readonly string[] | undefined;
}

/** Facts about a model that the runtime does not report. */
export interface ModelFacts {
  readonly metadata: ReadonlyMap<string, string>;
  /** By name of the graph's output. */
  readonly outputs: ReadonlyMap<string, OutputFacts>;
}

interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Field>;
}

const MOST_TEXT_BYTES = 2 ** 20;
const MOST_CLASSES = 100_000;
/** Operators that move values and do not change them. */
const MOVERS = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Transpose']);
/** Operators that change the type of values, nearly without changing the values. */
const CASTS = new Set(['Cast', 'QuantizeLinear', 'DequantizeLinear']);
/** Attributes of classifiers and of ZipMap that contain the class of each column. */
const TEXT_CLASSES = 'classlabels_strings';
const WHOLE_CLASSES = ['classlabels_ints', 'classlabels_int64s'];

/** Reads metadata, and what the last operators say about each output (onnx.proto). @throws OnnxModelInvalid */
export function readModelFacts(path: string): ModelFacts {
  const fd = openSync(path, 'r');
  try {
    return new FactsReader(new FileWindow(fd, fstatSync(fd).size)).read();
  } catch (error) {
    if (!(error instanceof ProtobufMalformed)) throw error;
    throw new OnnxModelInvalid(basename(path), `it is a damaged ONNX file (${error.message})`, error);
  } finally {
    closeSync(fd);
  }
}

class FactsReader {
  readonly #window: FileWindow;
  readonly #metadata = new Map<string, string>();
  readonly #nodes: Node[] = [];
  readonly #producers = new Map<string, Node>();
  readonly #tensors = new Map<string, Field>();
  readonly #outputs: string[] = [];

  constructor(window: FileWindow) {
    this.#window = window;
  }

  read(): ModelFacts {
    for (const field of this.#fields({ from: 0, to: this.#window.size })) {
      if (field.number === 7) this.#graph(field);
      if (field.number === 14) this.#entry(field);
    }
    const outputs = this.#outputs.map((name) => [name, this.#factsOf(name)] as const);
    return { metadata: this.#metadata, outputs: new Map(outputs) };
  }

  #graph(field: Field): void {
    for (const part of this.#fields(field)) {
      if (part.number === 1) this.#node(part);
      if (part.number === 5) this.#tensors.set(this.#textAt(part, 8), part);
      if (part.number === 12) this.#outputs.push(this.#textAt(part, 1));
    }
  }

  #entry(field: Field): void {
    this.#metadata.set(this.#textAt(field, 1), this.#textAt(field, 2));
  }

  #node(field: Field): void {
    const [inputs, outputs]: [string[], string[]] = [[], []];
    const attributes = new Map<string, Field>();
    let op = '';
    for (const part of this.#fields(field)) {
      if (part.number === 1) inputs.push(this.#text(part));
      if (part.number === 2) outputs.push(this.#text(part));
      if (part.number === 4) op = this.#text(part);
      if (part.number === 5) attributes.set(this.#textAt(part, 1), part);
    }
    const node = { op, inputs, outputs, attributes };
    this.#nodes.push(node);
    for (const name of outputs) this.#producers.set(name, node);
    const [value, constant] = [attributes.get('value'), outputs[0]];
    if (op === 'Constant' && value && constant !== undefined)
      for (const part of this.#fields(value)) if (part.number === 5) this.#tensors.set(constant, part);
  }

  #factsOf(output: string): OutputFacts {
    let node = this.#behind(output, MOVERS);
    const quantisation = node?.op === 'QuantizeLinear' ? this.#quantisationOf(node) : undefined;
    if (node && CASTS.has(node.op)) node = this.#behind(node.inputs[0]!, new Set([...MOVERS, ...CASTS]));
    return {
      activation: node && this.#activationOf(node),
      quantisation,
      classNames: this.#classNamesBehind(output) ?? this.#lonelyClassNames(),
    };
  }

  /** The operator that made a value, those of `passed` left out. */
  #behind(name: string, passed: ReadonlySet<string>): Node | undefined {
    let node = this.#producers.get(name);
    for (let steps = 0; node && passed.has(node.op) && steps < this.#nodes.length; steps += 1)
      node = this.#producers.get(node.inputs[0] ?? '');
    return node;
  }

  #activationOf({ op, attributes }: Node): OutputFacts['activation'] {
    if (op === 'Softmax' || op === 'QLinearSoftmax') return 'softmax';
    if (op === 'Sigmoid' || op === 'QLinearSigmoid') return 'sigmoid';
    const norm = attributes.get('norm');
    if (op === 'Normalizer' && norm && this.#textAt(norm, 4) === 'L1') return 'softmax';
    const transform = attributes.get('post_transform');
    const name = transform && this.#textAt(transform, 4);
    if (name === 'SOFTMAX' || name === 'SOFTMAX_ZERO') return 'softmax';
    return name === 'LOGISTIC' || name === 'PROBIT' ? 'sigmoid' : undefined;
  }

  #quantisationOf({ inputs }: Node): Quantisation | undefined {
    const [scale] = this.#numbersOf(this.#tensors.get(inputs[1] ?? ''));
    const zero = inputs[2] ? this.#tensors.get(inputs[2]) : undefined;
    const [zeroPoint] = inputs[2] ? this.#numbersOf(zero) : [0];
    return scale === undefined || zeroPoint === undefined ? undefined : { scale, zeroPoint };
  }

  /** Class names of the classifier or ZipMap that an output comes from. */
  #classNamesBehind(output: string): readonly string[] | undefined {
    const seen = new Set<string>();
    for (const waiting = [output]; waiting.length > 0; ) {
      const node = this.#producers.get(waiting.shift()!);
      if (!node || seen.has(node.outputs[0] ?? '')) continue;
      seen.add(node.outputs[0] ?? '');
      const found = this.#classAttribute(node);
      if (found) return found;
      waiting.push(...node.inputs);
    }
    return undefined;
  }

  #classAttribute({ attributes }: Node): readonly string[] | undefined {
    const texts = attributes.get(TEXT_CLASSES);
    if (texts) return this.#textsOf(texts);
    const whole = WHOLE_CLASSES.map((name) => attributes.get(name)).find((found) => found !== undefined);
    return whole && this.#wholesOf(whole).map(String);
  }

  /**
   * Pipelines without a classifier operator pick the label from a constant: ArrayFeatureExtractor of texts, or LabelEncoder
   * from numbers to texts. Undefined where there are several.
   */
  #lonelyClassNames(): readonly string[] | undefined {
    const found = this.#nodes.flatMap(({ op, inputs, attributes }) => {
      if (op === 'ArrayFeatureExtractor') {
        const texts = this.#textTensor(this.#tensors.get(inputs[0] ?? ''));
        return texts.length > 0 ? [texts] : [];
      }
      const [keys, values] = [attributes.get('keys_int64s'), attributes.get('values_strings')];
      if (op !== 'LabelEncoder' || !keys || !values) return [];
      const [places, names] = [this.#wholesOf(keys), this.#textsOf(values)];
      const ordered = places.map((_, place) => names[places.indexOf(place)]);
      return ordered.every((name) => name !== undefined) ? [ordered as string[]] : [];
    });
    return found.length === 1 ? found[0] : undefined;
  }

  #textTensor(field: Field | undefined): string[] {
    return field ? this.#all(field, 6).map((part) => this.#text(part)) : [];
  }

  /** The numbers of a tensor of one number; none of others, as of scales by channel. */
  #numbersOf(field: Field | undefined): number[] {
    if (!field) return [];
    const [type = 1] = this.#all(field, 2).map(({ value }) => value);
    const [raw] = this.#all(field, 9);
    if (raw) {
      const view = new DataView(this.#window.bytes(raw.from, Math.min(raw.to - raw.from, 8)).buffer);
      return view.byteLength === SIZES[type] ? [READERS[type]!(view)] : [];
    }
    const floats = this.#all(field, 4).flatMap(({ from, to }) => (to - from === 4 ? [from] : []));
    if (floats.length === 1)
      return [new DataView(this.#window.bytes(floats[0]!, 4).buffer).getFloat32(0, true)];
    const wholes = this.#all(field, 5).flatMap((part) => this.#wholes(part));
    return wholes.length === 1 ? wholes : [];
  }

  #textsOf(attribute: Field): string[] {
    return this.#all(attribute, 9)
      .slice(0, MOST_CLASSES)
      .map((part) => this.#text(part));
  }

  #wholesOf(attribute: Field): number[] {
    return this.#all(attribute, 8)
      .flatMap((part) => this.#wholes(part))
      .slice(0, MOST_CLASSES);
  }

  #wholes(part: Field): number[] {
    return part.isPacked ? packedNumbers(this.#window, part, MOST_CLASSES) : [signed(part.value)];
  }

  #textAt(field: Field, number: number): string {
    const part = this.#all(field, number).at(-1);
    return part ? this.#text(part) : '';
  }

  #text(field: Field): string {
    return textOf(this.#window, field, MOST_TEXT_BYTES);
  }

  #all(field: Pick<Field, 'from' | 'to'>, number: number): Field[] {
    return [...this.#fields(field)].filter((part) => part.number === number);
  }

  #fields({ from, to }: Pick<Field, 'from' | 'to'>): Generator<Field> {
    return fieldsOf(this.#window, from, to);
  }
}

/** Scalars by TensorProto.DataType: float, uint8, int8, uint16, int16, int32, float16. */
const SIZES: Readonly<Record<number, number>> = { 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 10: 2 };
const READERS: Readonly<Record<number, (view: DataView) => number>> = {
  1: (view) => view.getFloat32(0, true),
  2: (view) => view.getUint8(0),
  3: (view) => view.getInt8(0),
  4: (view) => view.getUint16(0, true),
  5: (view) => view.getInt16(0, true),
  6: (view) => view.getInt32(0, true),
  10: (view) => view.getFloat16(0, true),
};
