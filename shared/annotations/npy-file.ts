import { endianness } from 'node:os';
import type { TensorElements } from '../../adapters/model-adapter.ts';

/** Types of a tensor's elements by NumPy's code, kind and bytes of an element: NumPy's name, and how they lie in memory. */
export const ELEMENT_TYPES = {
  f2: { dtype: 'float16', array: Float16Array },
  f4: { dtype: 'float32', array: Float32Array },
  f8: { dtype: 'float64', array: Float64Array },
  i1: { dtype: 'int8', array: Int8Array },
  i2: { dtype: 'int16', array: Int16Array },
  i4: { dtype: 'int32', array: Int32Array },
  u1: { dtype: 'uint8', array: Uint8Array },
  u2: { dtype: 'uint16', array: Uint16Array },
  u4: { dtype: 'uint32', array: Uint32Array },
} as const;
export type ElementCode = keyof typeof ELEMENT_TYPES;

const BY_ARRAY: ReadonlyMap<string, { code: string; dtype: string }> = new Map(
  Object.entries(ELEMENT_TYPES).map(([code, { dtype, array }]) => [array.name, { code, dtype }]),
);

/** Bytes that header and data are aligned to. */
const ALIGNMENT = 64;
/** Magic, version and length of the header. */
const PREFIX_BYTES = 10;

/** NumPy's name of the elements' type; `undefined` for what is no array of such. */
export function dtypeOf(data: unknown): string | undefined {
  return ArrayBuffer.isView(data) ? typeOf(data)?.dtype : undefined;
}

function typeOf(data: ArrayBufferView) {
  return BY_ARRAY.get((data as unknown as TensorElements)[Symbol.toStringTag]);
}

/**
 * An array as a `.npy` file, row by row, in two parts; the second shares memory with `data`.
 * Source: numpy.lib.format, "Format Version 1.0".
 */
export function npyFile(
  dims: readonly number[],
  data: TensorElements,
): [header: Uint8Array, data: Uint8Array] {
  const { code } = typeOf(data)!;
  const order = data.BYTES_PER_ELEMENT === 1 ? '|' : endianness() === 'LE' ? '<' : '>';
  // A tuple of one has its comma in Python.
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ');
  const text = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  const total = Math.ceil((PREFIX_BYTES + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(total, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(total - PREFIX_BYTES, PREFIX_BYTES - 2);
  header.write(text, PREFIX_BYTES, 'latin1');
  header.write('\n', total - 1, 'latin1');
  return [header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}
