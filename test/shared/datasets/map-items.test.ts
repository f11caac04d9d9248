import { expect, it } from 'vitest';
import { BucketAccessDenied } from '../../../shared/buckets/errors.ts';
import {
  ContentCorrupt,
  ContentMissing,
  ContentTooLarge,
  StorageUnavailable,
} from '../../../shared/content/errors.ts';
import { mapItems } from '../../../shared/datasets/map-items.ts';
import { ItemUnreadable } from '../../../shared/inputs/errors.ts';
import { item } from '../store/sample-entities.ts';

const never = new AbortController().signal;

/** Items of these sizes, and how many of them were at work at once. */
async function mostAtOnce(sizes: readonly number[]): Promise<number> {
  const items = sizes.map((sizeBytes, index) =>
    item(String(index), { content: { sha256: 'a'.repeat(64), sizeBytes } }),
  );
  let now = 0;
  let most = 0;
  const work = async () => {
    now += 1;
    most = Math.max(most, now);
    await Promise.resolve();
    now -= 1;
  };
  await mapItems(items, (each) => each, work, never);
  return most;
}

it('has many small items at work at once, and few large ones', async () => {
  expect(await mostAtOnce(Array(100).fill(1))).toBe(32);
  expect(await mostAtOnce(Array(9).fill(30 * 2 ** 20))).toBe(2);
  expect(await mostAtOnce(Array(3).fill(2 ** 30))).toBe(1);
});

it('fails an item alone for what is wrong with its bytes, and throws what is wrong with storage', async () => {
  const items = Array.from({ length: 40 }, (_, index) => item(String(index)));
  const unreadable = new ItemUnreadable(items[3]!, 'is an empty file');
  const fault = (error: unknown) =>
    mapItems(
      items,
      (each) => each,
      (each) => {
        if (each === items[3]) throw error;
      },
      never,
    );
  const system = (code: string) => Object.assign(new Error(code), { code });

  for (const itemFault of [unreadable, new Error('no x'), new ContentTooLarge(1)])
    expect((await fault(itemFault)).failed).toMatchObject([{ item_id: items[3]!.id }]);
  for (const runFault of [
    system('EMFILE'),
    new Error('wrapped by an adapter', { cause: system('ECONNRESET') }),
    new StorageUnavailable('Reading', system('EIO')),
    new ItemUnreadable(items[3]!, 'cannot be decoded', new StorageUnavailable('Reading', system('EIO'))),
    new ContentMissing({ sha256: 'a'.repeat(64), sizeBytes: 1 }),
    new ContentCorrupt({ sha256: 'a'.repeat(64), sizeBytes: 1 }, { sha256: 'b'.repeat(64), sizeBytes: 1 }),
    new BucketAccessDenied({
      bucketType: 'gcs',
      operation: 'read',
      key: 'a',
      problem: 'HTTP 403',
      advice: '',
    }),
  ])
    await expect(fault(runFault)).rejects.toBe(runFault);
});

it('starts no further item after a fault of storage', async () => {
  const items = Array.from({ length: 1_000 }, (_, index) => item(String(index)));
  let begun = 0;
  const fault = new StorageUnavailable('Reading', new Error('gone'));
  const work = async () => {
    begun += 1;
    throw fault;
  };

  await expect(mapItems(items, (each) => each, work, never)).rejects.toBe(fault);

  expect(begun).toBeLessThanOrEqual(32);
});
