import { expect, it } from 'vitest';
import { BatchedModel } from '../../../adapters/onnx-engine/batched-model.ts';
import type { TensorData } from '../../../adapters/onnx-engine/session.ts';
import { fixtureFolder } from '../../support/onnx-fixtures.ts';

it('hands the memory of an input back once its run is over', async () => {
  const heard: string[] = [];
  const packed: TensorData[] = [];
  const packer = {
    input: 'images',
    batch: undefined,
    pack: (samples: readonly number[]): TensorData => {
      heard.push('pack');
      const dims = [samples.length, 3, 128, 128];
      packed.push({ type: 'float32', data: new Float32Array(samples.length * 3 * 128 * 128), dims });
      return packed.at(-1)!;
    },
    recycle: (tensor: TensorData) => {
      expect(tensor).toBe(packed.at(-1));
      heard.push('recycle');
    },
  };
  const model = await BatchedModel.open<number>(await fixtureFolder('tiny-yolo.onnx'), {
    ...{ filename: null, batchSize: 2, threads: null, cacheDirectory: undefined, openPacker: () => packer },
  });

  for await (const { count } of model.run([1, 2, 3], ['output'], new AbortController().signal))
    heard.push(String(count));
  await model.release();

  expect(heard).toEqual(['pack', 'recycle', '2', 'pack', 'recycle', '1']);
});
