/** A message of protobuf: fields by number; texts, bytes, messages and numbers. */
export type Message = readonly (readonly [
  number: number,
  value: number | bigint | string | Uint8Array | Message,
])[];

/** Bytes of a message in protobuf's wire format. */
export function encode(message: Message): Uint8Array {
  return Buffer.concat(
    message.map(([number, value]) => {
      if (typeof value === 'number' || typeof value === 'bigint')
        return Buffer.concat([varint(number * 8), varint(value)]);
      const content = contentOf(value);
      return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
    }),
  );
}

/** A tensor by name, with float32 numbers of 1 unless other fields say what it has. */
export function tensor(name: string, dims: readonly (number | bigint)[], fields?: Message): Message {
  const count = dims.reduce<number>((product, size) => product * Number(size), 1);
  return [
    ...dims.map((size) => [1, size] as const),
    [2, 1],
    [8, name],
    ...(fields ?? [[9, bytesOf(Float32Array.from({ length: count }, () => 1))] as const]),
  ];
}

/** A tensor of int64 numbers, `[n]` unless it is said. */
export function int64s(
  name: string,
  numbers: readonly bigint[],
  dims: readonly number[] = [numbers.length],
): Message {
  return typedTensor(name, INT64, dims, bytesOf(BigInt64Array.from(numbers)));
}

/** A tensor of 32-bit numbers. */
export function floats(name: string, numbers: Float32Array, dims: readonly number[]): Message {
  return typedTensor(name, FLOAT, dims, bytesOf(numbers));
}

/** A tensor of 64-bit numbers, `[n]` unless it is said. */
export function doubles(
  name: string,
  numbers: ArrayLike<number>,
  dims: readonly number[] = [numbers.length],
): Message {
  return typedTensor(name, DOUBLE, dims, bytesOf(Float64Array.from(numbers)));
}

/** What an operator is told beside its inputs: a whole number, a text, a list of numbers of 32 bits or of whole ones. */
export type Attribute = number | string | Float32Array | readonly number[];

export interface NodeOptions {
  attributes?: Readonly<Record<string, Attribute>>;
  /** Of operators outside of ONNX's own. */
  domain?: string;
}

/** `output`: the name of its one output, or of all. */
export function node(
  op: string,
  inputs: readonly string[],
  output: string | readonly string[],
  { attributes = {}, domain }: NodeOptions = {},
): Message {
  return [
    ...inputs.map((name) => [1, name] as const),
    ...[output].flat().map((name) => [2, name] as const),
    [4, op],
    ...Object.entries(attributes).map(([name, value]) => [5, attribute(name, value)] as const),
    ...(domain === undefined ? [] : [[7, domain] as const]),
  ];
}

/** An input or output; of float32 unless another TensorProto.DataType is said. A text names a free size. */
export function port(name: string, dims: readonly (number | bigint | string)[], type = FLOAT): Message {
  const shape = dims.map((size) => [1, [[typeof size === 'string' ? 2 : 1, size]]] as const);
  return [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, type],
            [2, shape],
          ],
        ],
      ],
    ],
  ];
}

export interface OnnxFile {
  inputs: readonly Message[];
  outputs: readonly Message[];
  nodes: readonly Message[];
  initializers?: readonly Message[];
  opset?: number;
  ir?: number;
  /** Versions of operator sets beside ONNX's own, by domain. */
  domains?: Readonly<Record<string, number>>;
  /** Name and version of the program that wrote it. */
  producer?: readonly [name: string, version: string];
  /** Free texts by name. */
  metadata?: Readonly<Record<string, string>>;
}

/** An ONNX file (onnx.proto: ModelProto). The same content gives the same bytes. */
export function onnxFile({
  inputs,
  outputs,
  nodes,
  initializers = [],
  opset = 13,
  ir = 8,
  domains = {},
  producer,
  metadata = {},
}: OnnxFile): Uint8Array {
  const sets: Message[] = [
    [[2, opset]],
    ...Object.entries(domains).map(
      ([domain, version]): Message => [
        [1, domain],
        [2, version],
      ],
    ),
  ];
  return encode([
    [1, ir],
    ...(producer
      ? ([
          [2, producer[0]],
          [3, producer[1]],
        ] as const)
      : []),
    [
      7,
      [
        ...nodes.map((each) => [1, each] as const),
        [2, 'graph'],
        ...initializers.map((each) => [5, each] as const),
        ...inputs.map((each) => [11, each] as const),
        ...outputs.map((each) => [12, each] as const),
      ],
    ],
    ...sets.map((each) => [8, each] as const),
    ...Object.entries(metadata).map(
      ([key, value]) =>
        [
          14,
          [
            [1, key],
            [2, value],
          ],
        ] as const,
    ),
  ]);
}

/** TensorProto.DataType */
export const FLOAT = 1;
export const INT64 = 7;
export const DOUBLE = 11;

/** AttributeProto: fields of the kinds of value, and AttributeType. */
function attribute(name: string, value: Attribute): Message {
  if (typeof value === 'number')
    return [
      [1, name],
      [3, value],
      [20, 2],
    ];
  if (typeof value === 'string')
    return [
      [1, name],
      [4, value],
      [20, 3],
    ];
  if (value instanceof Float32Array)
    return [
      [1, name],
      [7, bytesOf(value)],
      [20, 6],
    ];
  return [[1, name], ...value.map((each) => [8, each] as const), [20, 7]];
}

function typedTensor(name: string, type: number, dims: readonly number[], bytes: Uint8Array): Message {
  return [...dims.map((size) => [1, size] as const), [2, type], [8, name], [9, bytes]];
}

/** In the order of bytes that ONNX has, which is that of all processors the runtime is made for. */
function bytesOf({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array | Float64Array | BigInt64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function contentOf(value: string | Uint8Array | Message): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  return value instanceof Uint8Array ? value : encode(value);
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Uint8Array.from([...bytes, Number(left)]);
}
