import { expect, it } from 'vitest';
import { assertFewUnreadable } from '../../../shared/datasets/unreadable-share.ts';

const failed = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    item_id: String(index),
    filename: `/${index}.png`,
    code: 'ItemUnreadable',
    message: 'is an empty file.',
  }));

it.each([
  // share, items, tolerated
  [0.01, 63, 1],
  [0.01, 100, 1],
  [0.01, 101, 2],
  [0.01, 2, 1],
  [0.01, 1, 0],
  [0, 1_000, 0],
  [0.07, 100, 7],
  [0.5, 3, 2],
  [1, 10, 9],
])('a share of %d tolerates, of %d items, %d that cannot be read', (share, items, tolerated) => {
  const limit = { share, from: 'the train partition' };

  expect(() => assertFewUnreadable(failed(tolerated), items, limit)).not.toThrow();
  expect(() => assertFewUnreadable(failed(tolerated + 1), items, limit)).toThrow(
    expect.objectContaining({
      code: 'TooManyUnreadable',
      details: expect.objectContaining({ allowed: tolerated }),
    }),
  );
});
