import { endianness } from 'node:os';
import type { TensorElements } from '../../adapters/model-adapter.ts';

type ArrayName = TensorElements[typeof Symbol.toStringTag];

/** NumPy's names of the types that a tensor's elements have, and its codes for them in a file. */
const DTYPES: Readonly<Record<ArrayName, { dtype: string; code: string }>> = {
  Float16Array: { dtype: 'float16', code: 'f2' },
  Float32Array: { dtype: 'float32', code: 'f4' },
  Float64Array: { dtype: 'float64', code: 'f8' },
  Int8Array: { dtype: 'int8', code: 'i1' },
  Int16Array: { dtype: 'int16', code: 'i2' },
  Int32Array: { dtype: 'int32', code: 'i4' },
  Uint8Array: { dtype: 'uint8', code: 'u1' },
  Uint16Array: { dtype: 'uint16', code: 'u2' },
  Uint32Array: { dtype: 'uint32', code: 'u4' },
};

/** Bytes that header and data are aligned to. */
const ALIGNMENT = 64;
/** Magic, version and length of the header. */
const PREFIX_BYTES = 10;

/** NumPy's name of the elements' type; `undefined` for what is no array of such. */
export function dtypeOf(data: unknown): string | undefined {
  const tag = ArrayBuffer.isView(data) ? (data as unknown as TensorElements)[Symbol.toStringTag] : undefined;
  return tag !== undefined && Object.hasOwn(DTYPES, tag) ? DTYPES[tag].dtype : undefined;
}

/**
 * An array as a `.npy` file, row by row, in two parts; the second shares memory with `data`.
 * Source: numpy.lib.format, "Format Version 1.0".
 */
export function npyFile(
  dims: readonly number[],
  data: TensorElements,
): [header: Uint8Array, data: Uint8Array] {
  const { code } = DTYPES[data[Symbol.toStringTag]];
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
