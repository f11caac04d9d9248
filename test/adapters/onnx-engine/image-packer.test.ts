import { expect, it } from 'vitest';
import {
  IMAGE_INPUT_DEFAULTS,
  type ImageInput,
  ImagePacker,
  type ImageSample,
} from '../../../adapters/onnx-engine/image-input.ts';

const SPEC: ImageInput = {
  ...structuredClone(IMAGE_INPUT_DEFAULTS),
  ...{ mean: [0], std: [1], channels: 1, fit: 'letterbox', width: 2, height: 1, scale: 1 },
};

const packerOf = (batch: number | string) =>
  new ImagePacker(
    { file: 'a.onnx', inputs: [{ name: 'x', type: 'float32', shape: [batch, 1, 1, 2] }] },
    SPEC,
  );

const image = (...levels: number[]): ImageSample => ({
  pixels: {
    width: levels.length,
    height: 1,
    channels: 1,
    data: Uint8Array.from(levels),
    source: { width: levels.length, height: 1 },
  },
  left: 0,
  top: 0,
});

it('fills the memory of a run that is over again, and leaves nothing of it', () => {
  const packer = packerOf(3);

  const first = packer.pack([image(1, 2), image(3, 4), image(5, 6)], 3);
  const beside = packer.pack([image(7, 8)], 3);
  packer.recycle(first);
  const second = packer.pack([image(9)], 3);

  expect(second.data).toBe(first.data);
  expect([...second.data]).toEqual([9, SPEC.pad, 0, 0, 0, 0]);
  // Two runs at once have memory of their own.
  expect([...beside.data]).toEqual([7, 8, 0, 0, 0, 0]);
});

it('takes new memory for another number of images', () => {
  const packer = packerOf('n');

  packer.recycle(packer.pack([image(1, 2), image(3, 4)]));

  expect(packer.pack([image(5, 6)])).toEqual({
    type: 'float32',
    data: Float32Array.of(5, 6),
    dims: [1, 1, 1, 2],
  });
});
