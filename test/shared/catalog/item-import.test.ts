import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import { setReadonly } from '../../../shared/catalog/datasets.ts';
import { type ImportEntry, uploadItems } from '../../../shared/catalog/item-import.ts';
import { labelsOfDataset } from '../../../shared/catalog/labels.ts';
import type { Annotation } from '../../../shared/entities/annotation.ts';
import { eventNames, openWorkspace, pathsOf, takeEvents, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

const entry = (path: string, more: Partial<ImportEntry> = {}): ImportEntry => ({
  path,
  bytes: new TextEncoder().encode(path),
  ...more,
});

async function annotations(): Promise<Annotation[]> {
  return (await workspace.platform.store.query('Annotation', {})).items;
}

describe('an import', () => {
  it('makes items with labels and partitions, and adds the labels to the ontology', async () => {
    const { platform, actor, dataset } = workspace;

    const result = await uploadItems(
      platform,
      actor,
      dataset.id,
      [
        entry('/a/1.txt', { label: 'cat', partition: 'train', metadata: { user: { k: 1 } } }),
        entry('/a/2.txt', { label: 'dog.small', partition: 'test' }),
      ],
      { mode: 'skip' },
    );

    expect(result).toEqual({ created: 2, overwritten: 0, existed: 0, failures: [], unreadable: [] });
    expect(await labelsOfDataset(platform, dataset)).toEqual(['cat', 'dog', 'dog.small']);
    expect((await annotations()).map(({ type, label }) => [type, label])).toEqual([
      ['class', 'cat'],
      ['class', 'dog.small'],
    ]);
    const { items } = await platform.store.query('Item', { filter: { type: 'file' } });
    expect(items[0]).toMatchObject({
      annotated: true,
      annotationsCount: 1,
      metadata: { user: { k: 1 }, system: { snapshotPartition: 'train', size: 8 } },
    });
  });

  it('takes in a picture that cannot be decoded and names it, until a sound one takes its place', async () => {
    const { platform, actor, dataset } = workspace;
    const put = (...entries: ImportEntry[]) =>
      uploadItems(platform, actor, dataset.id, entries, { mode: 'overwrite' });
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"/>';
    const system = async () =>
      (await platform.store.query('Item', { filter: { type: 'file' } })).items[0]!.metadata.system;

    const result = await put(entry('/a.svg'));
    const broken = await system();
    await put(entry('/a.svg', { bytes: new TextEncoder().encode(svg) }));

    expect(result).toMatchObject({
      created: 1,
      failures: [],
      unreadable: [{ path: '/a.svg', problem: expect.stringContaining('not those of a sound') }],
    });
    expect(broken).toMatchObject({ unreadable: expect.any(String) });
    expect(await system()).not.toHaveProperty('unreadable');
  });

  it('of more than a batch reports its progress and keeps the order of its entries', async () => {
    const { platform, actor, dataset } = workspace;
    async function* many(): AsyncGenerator<ImportEntry> {
      for (let index = 0; index < 620; index += 1) yield entry(`/n/${String(index).padStart(4, '0')}`);
    }
    const progress: number[] = [];

    const { created } = await uploadItems(platform, actor, dataset.id, many(), {
      mode: 'skip',
      onProgress: (done) => progress.push(done),
    });

    const { items } = await platform.store.query('Item', { filter: { type: 'file' }, pageSize: 1000 });
    const names = items.map(({ name }) => name);
    expect(created).toBe(620);
    expect(progress).toEqual([500, 620]);
    expect(names).toEqual([...names].sort());
  });

  it('repeated with skip changes nothing, not even what people changed since', async () => {
    const { platform, actor, dataset } = workspace;
    const entries = [entry('/1', { label: 'cat' })];
    await uploadItems(platform, actor, dataset.id, entries, { mode: 'skip' });
    await takeEvents(platform);
    const before = await annotations();

    // biome-ignore lint/correctness/useYield: what matters is that nobody asks
    async function* untouched(): AsyncGenerator<Uint8Array> {
      throw new Error('the source was read');
    }

    const again = await uploadItems(
      platform,
      actor,
      dataset.id,
      [{ path: '/1', source: untouched(), label: 'dog' }],
      { mode: 'skip' },
    );

    expect(again).toMatchObject({ created: 0, existed: 1 });
    expect(await annotations()).toEqual(before);
    expect(await takeEvents(platform)).toEqual([]);
  });

  it('repeated with overwrite replaces its own label and leaves those of people', async () => {
    const { platform, actor, dataset } = workspace;
    await uploadItems(platform, actor, dataset.id, [entry('/1', { label: 'cat' })], { mode: 'skip' });
    const [made] = await annotations();
    await createAnnotations(platform, actor, made!.itemId, [{ type: 'class', label: 'mine' }]);

    await uploadItems(platform, actor, dataset.id, [entry('/1', { label: 'dog' })], { mode: 'overwrite' });

    expect((await annotations()).map(({ label }) => label).sort()).toEqual(['dog', 'mine']);
  });

  it('leaves out what cannot be taken in, with its reason, and takes in the rest', async () => {
    await workspace.platform.close();
    workspace = await openWorkspace({ maxItemBytes: 8 });
    const { platform, actor, dataset } = workspace;

    const result = await uploadItems(
      platform,
      actor,
      dataset.id,
      [
        entry('/ok'),
        entry('/../up'),
        entry('/far/too/long'),
        entry('/ok/x'),
        entry('/l', { label: 'a..b' }),
        entry('/ok2'),
      ],
      { mode: 'skip' },
    );

    expect(result.created).toBe(2);
    expect(result.failures.map(({ path, error }) => [path, error.code]).sort()).toEqual([
      ['/../up', 'InvalidItemPath'],
      ['/far/too/long', 'ItemTooLarge'],
      ['/l', 'InvalidInput'],
      ['/ok/x', 'Conflict'],
    ]);
    expect(await pathsOf(workspace)).toEqual(['/ok', '/ok2']);
  });

  it('treats a path that comes twice as one upload after the other', async () => {
    const { platform, actor, dataset } = workspace;
    const twice = [entry('/1'), { path: '/1', bytes: new Uint8Array([7, 7]) }];

    const result = await uploadItems(platform, actor, dataset.id, twice, { mode: 'overwrite' });

    const { items } = await platform.store.query('Item', {});
    expect(result).toMatchObject({ created: 1, overwritten: 1 });
    expect(items.map(({ metadata }) => metadata.system)).toMatchObject([{ size: 2 }]);
    expect(eventNames(await takeEvents(platform))).toEqual(['Item Created']);
  });

  it('stopped half-way keeps whole batches and is finished by running it again', async () => {
    const { platform, actor, dataset } = workspace;
    const entries = Array.from({ length: 700 }, (_, index) => entry(`/${index}`));
    const controller = new AbortController();

    await expect(
      uploadItems(platform, actor, dataset.id, entries, {
        mode: 'skip',
        signal: controller.signal,
        onProgress: () => controller.abort(),
      }),
    ).rejects.toMatchObject({ code: 'Cancelled' });
    expect(await platform.store.count('Item', {})).toBe(500);

    const rest = await uploadItems(platform, actor, dataset.id, entries, { mode: 'skip' });
    expect(rest).toMatchObject({ created: 200, existed: 500 });
  });

  it('closes its source when it fails, and hands on the failure of the source itself', async () => {
    const { platform, actor, dataset } = workspace;
    let closed = false;
    async function* failing(): AsyncGenerator<ImportEntry> {
      try {
        yield entry('/1');
        throw new Error('the archive is broken');
      } finally {
        closed = true;
      }
    }

    await expect(uploadItems(platform, actor, dataset.id, failing(), { mode: 'skip' })).rejects.toThrow(
      'the archive is broken',
    );
    expect(closed).toBe(true);
    expect(await pathsOf(workspace)).toEqual([]);
  });

  it('into a locked dataset is refused', async () => {
    const { platform, actor, dataset } = workspace;
    await setReadonly(platform, actor, dataset.id, true);

    await expect(
      uploadItems(platform, actor, dataset.id, [entry('/1')], { mode: 'skip' }),
    ).rejects.toMatchObject({ code: 'DatasetReadonly' });
  });
});
