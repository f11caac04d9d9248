import { describe, expect, it } from 'vitest';
import type { TensorElements } from '../../../adapters/model-adapter.ts';
import { readNumpy } from '../../../adapters/onnx-engine/numpy-file.ts';
import { dtypeOf, npyFile } from '../../../shared/annotations/npy-file.ts';

const ARRAYS = [
  Float16Array,
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
] as const;

describe('a .npy file', () => {
  it.each(ARRAYS.map((array) => [array.name, array] as const))('of %s is read as it was', (_name, array) => {
    for (const dims of [[], [3], [2, 3], [1, 2, 3, 1], [0, 4], Array(40).fill(1)]) {
      const count = dims.reduce((product, size) => product * size, 1);
      const data: TensorElements = array.from(Array.from({ length: count }, (_, index) => index + 1));

      const file = Buffer.concat(npyFile(dims, data));

      const { shape, values } = readNumpy(file, 1_000);
      expect(shape).toEqual(dims);
      expect([...values]).toEqual([...data]);
    }
  });

  it('is what numpy.save writes, byte for byte', () => {
    const written =
      `\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }${' '.repeat(60)}\n` +
      '\x00\x00\x80?\x00\x00\x00@';

    expect(Buffer.concat(npyFile([2], Float32Array.of(1, 2))).toString('latin1')).toBe(written);
  });

  it('has the elements of a part of an array alone', () => {
    const row = Float32Array.of(1, 2, 3, 4).subarray(2);

    expect([...readNumpy(Buffer.concat(npyFile([2], row)), 2).values]).toEqual([3, 4]);
  });

  it('is not made of other things than numbers', () => {
    for (const data of [[1], BigInt64Array.of(1n), new DataView(new ArrayBuffer(4)), null, 'x'])
      expect(dtypeOf(data)).toBeUndefined();
  });
});
