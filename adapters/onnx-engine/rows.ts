import type { TensorElements } from '../model-adapter.ts';
import type { OutputTensor } from './session.ts';

/** The same as `rowOf`, of the type that the model gives. */
export function elementsOf({ data, dims }: OutputTensor, index: number): TensorElements {
  const size = sizeOfRow(dims)!;
  return data.subarray(index * size, (index + 1) * size);
}

/** What the output has for image `index` of a batch, whatever its dimensions. Shares memory with the output. */
export function rowOf({ data, dims }: OutputTensor, index: number): Float32Array | Float64Array {
  const size = dims.slice(1).reduce((product, each) => product * each, 1);
  const numbers =
    data instanceof Float32Array || data instanceof Float64Array ? data : Float64Array.from(data);
  return numbers.subarray(index * size, (index + 1) * size);
}

/** Numbers an image, `undefined` where the model leaves a size open. */
export function sizeOfRow(shape: readonly (number | string)[]): number | undefined {
  let size = 1;
  for (const each of shape.slice(1)) {
    if (typeof each === 'string') return undefined;
    size *= each;
  }
  return size;
}
