import { expect, it } from 'vitest';
import { SpareArray } from '../../../adapters/onnx-engine/spare-array.ts';

it('gives an array once, and only for its own length', () => {
  const spare = new SpareArray<Float32Array>();
  const array = new Float32Array(3);

  expect(spare.take(3)).toBeUndefined();
  spare.put(array);
  expect(spare.take(4)).toBeUndefined();
  expect(spare.take(3)).toBe(array);
  expect(spare.take(3)).toBeUndefined();
});
