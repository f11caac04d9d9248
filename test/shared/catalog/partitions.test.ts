import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setReadonly } from '../../../shared/catalog/datasets.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { setPartition, splitDataset } from '../../../shared/catalog/partitions.ts';
import { partitionOf } from '../../../shared/entities/item.ts';
import { openWorkspace, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
  const { platform, actor, dataset } = workspace;
  const entries = Array.from({ length: 20 }, (_, index) => ({
    path: `/${index % 2 === 0 ? 'even' : 'odd'}/${index}`,
    bytes: new Uint8Array([index]),
  }));
  await uploadItems(platform, actor, dataset.id, entries, { mode: 'skip' });
});
afterEach(() => workspace.platform.close());

async function partitions(): Promise<Record<string, string | undefined>> {
  const { items } = await workspace.platform.store.query('Item', { filter: { type: 'file' } });
  return Object.fromEntries(items.map((item) => [item.filename, partitionOf(item)]));
}

describe('partitions', () => {
  it('are set for what a filter selects, taken away by null, and leave the rest of the metadata', async () => {
    const { platform, actor, dataset } = workspace;

    expect(await setPartition(platform, actor, dataset.id, { dir: '/even' }, 'train')).toBe(10);
    expect(await setPartition(platform, actor, dataset.id, { dir: '/even' }, 'train')).toBe(0);
    expect(await setPartition(platform, actor, dataset.id, { filename: { $in: ['/even/0'] } }, null)).toBe(1);

    const now = await partitions();
    expect([now['/even/0'], now['/even/2'], now['/odd/1']]).toEqual([undefined, 'train', undefined]);
    const { items } = await platform.store.query('Item', { filter: { filename: '/even/2' } });
    expect(items[0]!.metadata.system).toMatchObject({ size: 1 });
  });

  it('of a split have the sizes asked for, and shares are weights', async () => {
    const { platform, actor, dataset } = workspace;

    expect(
      await splitDataset(platform, actor, dataset.id, { train: 0.7, validation: 0.2, test: 0.1, seed: 1 }),
    ).toEqual({ train: 14, validation: 4, test: 2 });
    const first = await partitions();
    await splitDataset(platform, actor, dataset.id, { train: 7, validation: 2, test: 1, seed: 1 });

    expect(await partitions()).toEqual(first);
  });

  it('of a split depend on the seed, and on nothing but seed and names', async () => {
    const { platform, actor, dataset } = workspace;
    const shares = { train: 0.5, validation: 0.25, test: 0.25 };
    await splitDataset(platform, actor, dataset.id, { ...shares, seed: 1 });
    const one = await partitions();

    await splitDataset(platform, actor, dataset.id, { ...shares, seed: 2 });

    expect(await partitions()).not.toEqual(one);
    await splitDataset(platform, actor, dataset.id, { ...shares, seed: 1 });
    expect(await partitions()).toEqual(one);
  });

  it('refuse words that are none, shares that are none, and a locked dataset', async () => {
    const { platform, actor, dataset } = workspace;

    await expect(setPartition(platform, actor, dataset.id, {}, 'all' as 'train')).rejects.toMatchObject({
      code: 'InvalidInput',
    });
    for (const train of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(
        splitDataset(platform, actor, dataset.id, { train, validation: 0, test: 0 }),
      ).rejects.toMatchObject({ code: 'InvalidInput' });
    await setReadonly(platform, actor, dataset.id, true);
    await expect(setPartition(platform, actor, dataset.id, {}, 'test')).rejects.toMatchObject({
      code: 'DatasetReadonly',
    });
  });
});
