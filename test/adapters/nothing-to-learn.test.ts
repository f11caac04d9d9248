import { expect, it } from 'vitest';
import type { PartitionData } from '../../adapters/model-adapter.ts';
import { nothingToLearn } from '../../adapters/nothing-to-learn.ts';
import { StorageUnavailable } from '../../shared/content/errors.ts';
import { createItemInput } from '../../shared/inputs/item-input.ts';
import { item } from '../shared/store/sample-entities.ts';

const partition = (readBytes: () => Promise<Uint8Array>): PartitionData<unknown> => ({
  partition: 'train',
  count: 1,
  async *inputs() {
    yield { input: createItemInput(item('i1'), readBytes), annotations: [], label: 'cat' };
  },
  samples: async () => [],
  async *stream() {},
});

it('a partition without samples is explained by its first item, but not by storage that is unavailable', async () => {
  const outage = new StorageUnavailable('Reading', new Error('gone'));

  await expect(
    nothingToLearn(
      partition(() => Promise.reject(outage)),
      (input) => input.bytes(),
    ),
  ).rejects.toBe(outage);
  expect(
    await nothingToLearn(
      partition(async () => new Uint8Array()),
      (input) => input.text(),
    ),
  ).toMatchObject({
    code: 'NothingToLearn',
    cause: { code: 'ItemUnreadable' },
  });
});
