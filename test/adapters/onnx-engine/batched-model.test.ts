import { expect, it } from 'vitest';
import { BatchedModel, type Feeds } from '../../../adapters/onnx-engine/batched-model.ts';
import { fixtureFolder } from '../../support/onnx-fixtures.ts';

it('hands the memory of an input back once its run is over', async () => {
  const heard: string[] = [];
  const packed: Feeds[] = [];
  const packer = {
    batch: undefined,
    feed: (samples: readonly number[]): Feeds => {
      heard.push('feed');
      const dims = [samples.length, 3, 128, 128];
      packed.push({
        images: { type: 'float32', data: new Float32Array(samples.length * 3 * 128 * 128), dims },
      });
      return packed.at(-1)!;
    },
    release: (feeds: Feeds) => {
      expect(feeds).toBe(packed.at(-1));
      heard.push('release');
    },
  };
  const model = await BatchedModel.open<number>(await fixtureFolder('tiny-yolo.onnx'), {
    ...{ filename: null, batchSize: 2, threads: null, cacheDirectory: undefined, openPacker: () => packer },
  });

  for await (const { count } of model.run([1, 2, 3], ['output'], new AbortController().signal))
    heard.push(String(count));
  await model.release();

  expect(heard).toEqual(['feed', 'release', '2', 'feed', 'release', '1']);
});
