import { expect, it } from 'vitest';
import { mapItems } from '../../../shared/datasets/map-items.ts';
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
