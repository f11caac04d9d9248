import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { rescanItems } from '../../../shared/catalog/item-rescan.ts';
import { type Item, systemMetadata } from '../../../shared/entities/item.ts';
import { eventNames, openWorkspace, takeEvents, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

const items = async (): Promise<Item[]> =>
  (
    await workspace.platform.store.query('Item', {
      filter: { type: 'file' },
      sort: [{ field: 'filename', direction: 'ascending' }],
    })
  ).items;

it('gives items of an earlier release the upright size and names what cannot be decoded, and twice is once', async () => {
  const { platform, actor, dataset } = workspace;
  const bytes = await sharp({ create: { width: 80, height: 40, channels: 3, background: '#123' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const entries = [
    { path: '/a.jpg', bytes, metadata: { user: { k: 1 } }, partition: 'train' as const },
    { path: '/bad.jpg', bytes: bytes.subarray(0, 300) },
    { path: '/c.txt', bytes: new TextEncoder().encode('text') },
  ];
  await uploadItems(platform, actor, dataset.id, entries, { mode: 'skip' });
  const now = await items();
  const earlier = now.map((item) => {
    const { unreadable: _unreadable, ...system } = systemMetadata(item);
    return { ...item, metadata: { ...item.metadata, system: { ...system, width: 80, height: 40 } } };
  });
  await platform.store.upsert('Item', earlier.slice(0, 2));
  await takeEvents(platform);

  const first = await rescanItems(platform, actor, dataset.id);
  const events = await takeEvents(platform);
  const second = await rescanItems(platform, actor, dataset.id);

  expect(first).toMatchObject({ items: 3, changed: 2, unreadable: [{ path: '/bad.jpg' }] });
  expect(eventNames(events)).toEqual(['Item Updated', 'Item Updated']);
  expect(second).toMatchObject({ items: 3, changed: 0 });
  expect(await items()).toEqual(now);
});

it('changes nothing in a dataset that is locked, and keeps on when bytes are gone', async () => {
  const { platform, actor, dataset } = workspace;
  await uploadItems(platform, actor, dataset.id, [{ path: '/a.png', bytes: new Uint8Array(9) }], {
    mode: 'skip',
  });
  const [item] = await items();
  const gone = { sha256: '0'.repeat(64), sizeBytes: 9 };
  await platform.store.upsert('Item', [{ ...item!, content: gone }]);

  const { unreadable } = await rescanItems(platform, actor, dataset.id);

  expect(unreadable).toMatchObject([{ path: '/a.png' }]);
  await platform.store.upsert('Dataset', [{ ...dataset, readonly: true }]);
  await expect(rescanItems(platform, actor, dataset.id)).rejects.toMatchObject({ code: 'DatasetReadonly' });
});
