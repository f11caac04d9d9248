/** An input or output of a model. */
export interface Port {
  readonly name: string;
  /** `float32`, `uint8`, `int64`...; `undefined` when it is not a tensor. */
  readonly type: string | undefined;
  /** Sizes; a text names one that is free, such as that of the batch. */
  readonly shape: readonly (number | string)[];
}

/** A tensor in memory, row by row. */
export interface TensorData {
  readonly type: NumberType;
  readonly data: NumberArray;
  readonly dims: readonly number[];
}

/** A tensor of an input: numbers, text, or bool as 0 and 1. */
export type FeedData =
  | TensorData
  | { readonly type: 'string'; readonly data: readonly string[]; readonly dims: readonly number[] }
  | { readonly type: 'bool'; readonly data: Uint8Array; readonly dims: readonly number[] };

/** Types of numbers that a model may take, and how they lie in memory. */
const ARRAYS = {
  float16: Float16Array,
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
} as const;
export type NumberType = keyof typeof ARRAYS;
export type NumberArray = InstanceType<(typeof ARRAYS)[NumberType]>;

export function isNumberType(type: string | undefined): type is NumberType {
  return type !== undefined && Object.hasOwn(ARRAYS, type);
}

/** A tensor of these numbers, rounded to the type; whole ones for whole types. */
export function toTensor(type: NumberType, values: Float64Array, dims: readonly number[]): TensorData {
  const data =
    type === 'int64' ? BigInt64Array.from(values, (value) => BigInt(value)) : ARRAYS[type].from(values);
  return { type, data, dims };
}
