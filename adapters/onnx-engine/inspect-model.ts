import { closeSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OnnxExternalDataRefused, OnnxModelInvalid } from './errors.ts';
import { FileWindow } from './file-window.ts';
import { type Field, fieldsOf, ProtobufMalformed, packedNumbers, signed, textOf } from './protobuf.ts';

/** Elements of one tensor: above it no machine a function runs on has the memory. */
const MOST_ELEMENTS = 2 ** 31;
/** Graphs in attributes of nodes of graphs. */
const MOST_DEPTH = 16;
const MOST_DIMENSIONS = 32;
/** Bytes of an element by TensorProto.DataType; half bytes for those of four bits. Strings have none. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  14: 8,
  15: 16,
  16: 2,
  17: 1,
  18: 1,
  19: 1,
  20: 1,
  21: 0.5,
  22: 0.5,
};

/** Operators that make a tensor of a shape they are told, and the input that tells it. */
const SHAPED_BY: Readonly<Record<string, number>> = { ConstantOfShape: 0, Expand: 1, Tile: 1 };

/**
 * Reads an ONNX file's structure (onnx.proto, IR version 3 and up) before the runtime does, and refuses what would hurt it: files
 * that are cut, tensors larger than their data or than memory, and data outside the model's folder. Weights
 * themselves are skipped, so that it takes milliseconds. @throws OnnxModelInvalid, OnnxExternalDataRefused
 */
export function inspectModel(path: string): { hasExternalData: boolean } {
  const file = basename(path);
  const fd = openSync(path, 'r');
  try {
    const window = new FileWindow(fd, fstatSync(fd).size);
    const inspection = new Inspection(window, dirname(path), file);
    inspection.model();
    return { hasExternalData: inspection.hasExternalData };
  } catch (error) {
    if (error instanceof ProtobufMalformed)
      throw new OnnxModelInvalid(file, `it is no ONNX file, or a damaged one (${error.message})`, error);
    throw error;
  } finally {
    closeSync(fd);
  }
}

interface Node {
  op: string;
  inputs: string[];
}

class Inspection {
  hasExternalData = false;
  readonly #window: FileWindow;
  readonly #folder: string;
  readonly #file: string;
  /** Small int64 constants by name: shapes are told by them. */
  readonly #constants = new Map<string, number[]>();
  readonly #nodes: Node[] = [];

  constructor(window: FileWindow, folder: string, file: string) {
    this.#window = window;
    this.#folder = folder;
    this.#file = file;
  }

  model(): void {
    let hasGraph = false;
    let ir = 0;
    for (const field of this.#fields({ from: 0, to: this.#window.size })) {
      if (field.number === 1) ir = field.value;
      if (field.number === 25) this.#function(field);
      if (field.number !== 7) continue;
      hasGraph = true;
      this.#graph(field, 0);
    }
    if (!hasGraph || ir === 0) this.#refuse('it is no ONNX model: it has no graph');
    for (const { op, inputs } of this.#nodes) {
      const shape = this.#constants.get(inputs[SHAPED_BY[op] ?? -1] ?? '');
      if (shape) this.#checkDimensions(shape, `the operator ${op}`);
    }
  }

  #function(field: Field): void {
    for (const part of this.#fields(field)) if (part.number === 7) this.#node(part, 0);
  }

  #graph(field: Field, depth: number): void {
    if (depth > MOST_DEPTH) this.#refuse(`its graphs are nested more than ${MOST_DEPTH} deep`);
    for (const part of this.#fields(field)) {
      if (part.number === 1) this.#node(part, depth);
      if (part.number === 5) this.#tensor(part);
      if (part.number === 15) this.#sparse(part);
      if (part.number >= 11 && part.number <= 13) this.#valueInfo(part);
    }
  }

  #node(field: Field, depth: number): void {
    const node: Node = { op: '', inputs: [] };
    const outputs: string[] = [];
    const tensors: (number[] | undefined)[] = [];
    for (const part of this.#fields(field)) {
      if (part.number === 1) node.inputs.push(textOf(this.#window, part));
      if (part.number === 2) outputs.push(textOf(this.#window, part));
      if (part.number === 4) node.op = textOf(this.#window, part);
      if (part.number === 5) tensors.push(...this.#attribute(part, depth));
    }
    const [constant] = tensors;
    if (node.op === 'Constant' && constant && outputs[0] !== undefined)
      this.#constants.set(outputs[0], constant);
    if (node.op in SHAPED_BY) this.#nodes.push(node);
  }

  #attribute(field: Field, depth: number): (number[] | undefined)[] {
    const tensors: (number[] | undefined)[] = [];
    let isShape = false;
    const ints: number[] = [];
    for (const part of this.#fields(field)) {
      if (part.number === 1) isShape = textOf(this.#window, part) === 'shape';
      if (part.number === 5 || part.number === 10) tensors.push(this.#tensor(part));
      if (part.number === 6 || part.number === 11) this.#graph(part, depth + 1);
      if (part.number === 8) ints.push(...this.#numbers(part));
      if (part.number === 22 || part.number === 23) this.#sparse(part);
    }
    if (isShape) this.#checkDimensions(ints, 'an operator');
    return tensors;
  }

  #sparse(field: Field): void {
    const dims: number[] = [];
    for (const part of this.#fields(field)) {
      if (part.number === 1 || part.number === 2) this.#tensor(part);
      if (part.number === 3) dims.push(...this.#numbers(part));
    }
    this.#checkDimensions(dims, 'a sparse tensor');
  }

  /** Checks a tensor; its numbers, when it is a short list of int64. */
  #tensor(field: Field): number[] | undefined {
    const dims: number[] = [];
    const values: number[] = [];
    const external: Field[] = [];
    let [type, dataBytes, name, isExternal, raw] = [0, 0, '', false, undefined as Field | undefined];
    for (const part of this.#fields(field)) {
      const { number } = part;
      if (number === 1) dims.push(...this.#numbers(part));
      if (number === 2) type = part.value;
      if (number === 7 && values.length < MOST_DIMENSIONS) values.push(...this.#numbers(part));
      if (number === 8) name = textOf(this.#window, part);
      if (number === 9) raw = part;
      if (number === 13) external.push(part);
      if (number === 14) isExternal = part.value === 1;
      if ((number >= 4 && number <= 11 && number !== 8) || number === 9) dataBytes += part.to - part.from;
    }
    const what = `the tensor ${JSON.stringify(name.slice(0, 80))}`;
    const elements = this.#checkDimensions(dims, what);
    const bytes = Math.ceil(elements * (ELEMENT_BYTES[type] ?? 0));
    if (isExternal || external.length > 0) this.#external(external, bytes, what);
    // Numbers outside raw_data take a byte or more each, those of four bits half of one.
    else if (raw ? raw.to - raw.from !== bytes : elements > 2 * dataBytes && type !== 8)
      this.#refuse(`${what} of ${dims.join(' x ')} has ${dataBytes} bytes of data`);
    if (type !== 7 || elements > MOST_DIMENSIONS || isExternal) return undefined;
    const numbers = raw ? this.#int64s(raw) : values;
    if (name !== '') this.#constants.set(name, numbers);
    return numbers;
  }

  #external(entries: readonly Field[], bytes: number, what: string): void {
    this.hasExternalData = true;
    const told = new Map<string, string>();
    for (const entry of entries) {
      const pair = { key: '', value: '' };
      for (const part of this.#fields(entry)) {
        if (part.number === 1) pair.key = textOf(this.#window, part);
        if (part.number === 2) pair.value = textOf(this.#window, part);
      }
      told.set(pair.key, pair.value);
    }
    const location = told.get('location') ?? '';
    const refusal = (problem: string) =>
      new OnnxExternalDataRefused(this.#file, location.slice(0, 200), problem);
    const parts = location.split(/[/\\]/);
    if (
      location === '' ||
      location.includes('\0') ||
      /^([/\\]|[a-z]:)/i.test(location) ||
      parts.includes('..')
    )
      throw refusal("lies outside the model's folder");
    // A link on the way, of the last name or of a folder, would lead out again.
    let at = this.#folder;
    for (const part of parts) {
      at = join(at, part);
      if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) throw refusal('is a link');
    }
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (!stats?.isFile()) throw refusal("is not among the snapshot's files");
    const offset = Number(told.get('offset') ?? 0);
    const length = Number(told.get('length') ?? bytes);
    if (!(offset >= 0 && length === bytes && offset + length <= stats.size))
      this.#refuse(
        `${what} asks for ${told.get('length') ?? bytes} bytes at ${told.get('offset') ?? 0} of ${JSON.stringify(location)}, where it needs ${bytes} and the file has ${stats.size}`,
      );
  }

  #valueInfo(field: Field): void {
    for (const type of this.#fields(field)) {
      if (type.number !== 2) continue;
      for (const tensor of this.#fields(type)) {
        if (tensor.number !== 1) continue;
        for (const shape of this.#fields(tensor))
          if (shape.number === 2) this.#checkDimensions(this.#shape(shape), 'an input or output');
      }
    }
  }

  /** Dimensions that have a number; those with a name are free. */
  #shape(field: Field): number[] {
    const dims: number[] = [];
    for (const dimension of this.#fields(field)) {
      if (dimension.number !== 1) continue;
      for (const { number, value } of this.#fields(dimension))
        if (number === 1 && signed(value) !== -1) dims.push(signed(value));
    }
    return dims;
  }

  /** The number of elements. */
  #checkDimensions(dims: readonly number[], what: string): number {
    const elements = dims.reduce((product, size) => product * size, 1);
    if (dims.length > MOST_DIMENSIONS || dims.some((size) => size < -1) || elements > MOST_ELEMENTS)
      this.#refuse(`${what} has the dimensions ${dims.slice(0, 8).join(' x ')}`);
    return Math.max(0, elements);
  }

  #numbers(field: Field): number[] {
    // A repeated number comes packed in one field, or alone in each: then it has no length.
    return field.isPacked ? packedNumbers(this.#window, field, MOST_DIMENSIONS + 1) : [signed(field.value)];
  }

  #int64s({ from, to }: Field): number[] {
    const bytes = this.#window.bytes(from, Math.min(to - from, 8 * MOST_DIMENSIONS));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) =>
      Number(view.getBigInt64(8 * index, true)),
    );
  }

  #fields({ from, to }: Pick<Field, 'from' | 'to'>): Generator<Field> {
    return fieldsOf(this.#window, from, to);
  }

  #refuse(problem: string): never {
    throw new OnnxModelInvalid(this.#file, problem);
  }
}
