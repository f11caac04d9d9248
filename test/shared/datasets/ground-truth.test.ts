import { expect, it } from 'vitest';
import { withGroundTruth } from '../../../shared/datasets/partition-data.ts';
import type { Annotation } from '../../../shared/entities/annotation.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { annotation, item } from '../store/sample-entities.ts';

it('asks for the annotations of a few items at a time, and gives every item in order', async () => {
  const counts = [900, 900, 900, 5_000, 0, 1, 2_000];
  const items = counts.map((annotationsCount, index) =>
    item(`item-${index}`, { annotationsCount, annotated: annotationsCount > 0 }),
  );
  const asked: string[][] = [];
  const query = async (_kind: string, { filter }: { filter: { itemId: { $in: string[] } } }) => {
    asked.push(filter.itemId.$in);
    const found: Annotation[] = filter.itemId.$in.map((id) => annotation(`of ${id}`, id));
    return { items: found, hasNextPage: false };
  };

  const answers: [string, string[]][] = [];
  for await (const each of withGroundTruth({ store: { query } as unknown as EntityStore }, items))
    answers.push([each.item.id, each.annotations.map(({ id }) => id)]);

  expect(asked).toEqual([['item-0', 'item-1'], ['item-2'], ['item-3'], ['item-5'], ['item-6']]);
  expect(answers).toEqual(
    counts.map((count, index) => [`item-${index}`, count > 0 ? [`of item-${index}`] : []]),
  );
});
