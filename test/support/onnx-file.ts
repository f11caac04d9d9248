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
    ...(fields ?? [[9, new Uint8Array(Float32Array.from({ length: count }, () => 1).buffer)] as const]),
  ];
}

/** A tensor of int64 numbers. */
export function int64s(name: string, numbers: readonly bigint[]): Message {
  const data = new Uint8Array(BigInt64Array.from(numbers).buffer);
  return [
    [1, numbers.length],
    [2, 7],
    [8, name],
    [9, data],
  ];
}

export function node(op: string, inputs: readonly string[], output: string): Message {
  return [...inputs.map((name) => [1, name] as const), [2, output], [4, op]];
}

/** An input or output of float32. */
export function port(name: string, dims: readonly (number | bigint | string)[]): Message {
  const shape = dims.map((size) => [1, [[typeof size === 'string' ? 2 : 1, size]]] as const);
  return [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, 1],
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
}

/** An ONNX file (onnx.proto: ModelProto), so that a test says what is in it. */
export function onnxFile({
  inputs,
  outputs,
  nodes,
  initializers = [],
  opset = 13,
  ir = 8,
}: OnnxFile): Uint8Array {
  return encode([
    [1, ir],
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
    [8, [[2, opset]]],
  ]);
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
