import { expect, it } from 'vitest';
import type { ItemInput, LabelledInput, TrainContext } from '../../adapters/model-adapter.ts';
import { SvmAdapter } from '../../adapters/svm/svm-adapter.ts';
import { StorageUnavailable } from '../../shared/content/errors.ts';
import { createItemInput } from '../../shared/inputs/item-input.ts';
import { item } from '../shared/store/sample-entities.ts';

it('a training of images that no decoder is there for tells that, and not that labels are missing', async () => {
  const input: ItemInput = {
    ...createItemInput(image(), () => Promise.resolve(Uint8Array.of(1))),
    image: () => Promise.reject(new Error('Could not load the "sharp" module')),
  };

  await expect(train([{ input, annotations: [], label: 'cat' }])).rejects.toMatchObject({
    code: 'NothingToLearn',
    message: expect.stringContaining('Could not load the "sharp" module'),
    cause: expect.objectContaining({ message: 'Could not load the "sharp" module' }),
  });
});

it('a training of items without labels asks for labels, and decodes none', async () => {
  const input = createItemInput(image(), () => Promise.reject(new Error('no bytes were planned for')));

  await expect(train([{ input, annotations: [], label: undefined }])).rejects.toMatchObject({
    code: 'NothingToLearn',
    message: expect.stringContaining('Label the items first'),
  });
});

it('a training that meets unavailable storage fails with it, and not with items that cannot be read', async () => {
  const outage = new StorageUnavailable('Reading', new Error('gone'));
  const input = createItemInput(image(), () => Promise.reject(outage));

  await expect(train([{ input, annotations: [], label: 'cat' }])).rejects.toBe(outage);
});

function image() {
  const plain = item('photo');
  return { ...plain, metadata: { ...plain.metadata, system: { mimetype: 'image/png' } } };
}

/** A partition that left all of these items out. */
function train(inputs: readonly LabelledInput[]) {
  const part = (own: readonly LabelledInput[]) => ({
    partition: 'train' as const,
    count: own.length,
    async *inputs() {
      yield* own;
    },
    samples: async () => [],
    async *stream() {},
  });
  const context = {
    signal: new AbortController().signal,
    progress: () => undefined,
    log: () => undefined,
  } as unknown as TrainContext;
  const adapter = new SvmAdapter({ labels: ['cat', 'dog'], configuration: {} });
  return adapter.train({ train: part(inputs), validation: part([]) }, context);
}
