import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import { makeDir } from '../../../shared/catalog/folders.ts';
import { uploadItem } from '../../../shared/catalog/item-upload.ts';
import { getItem, readItem } from '../../../shared/catalog/items.ts';
import {
  eventNames,
  openWorkspace,
  pathsOf,
  put,
  takeEvents,
  type Workspace,
} from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function textOf(id: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await readItem(workspace.platform, workspace.actor, id)).bytes)
    chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('an upload', () => {
  it('makes an item that reads back byte for byte, with its folders', async () => {
    const { platform, actor } = workspace;

    const item = await put(workspace, '/f/g/a.txt', 'hello');

    expect(item).toMatchObject({ name: 'a.txt', dir: '/f/g', type: 'file', annotated: false });
    expect(item.metadata).toEqual({
      system: { originalname: 'a.txt', mimetype: 'text/plain', encoding: '7bit', size: 5 },
    });
    expect(await textOf(item.id)).toBe('hello');
    expect(await getItem(platform, actor, item.id)).toEqual(item);
    expect(await pathsOf(workspace)).toEqual(['/f', '/f/g', '/f/g/a.txt']);
  });

  it('with skip on a taken path answers the item as it is and leaves the source unread', async () => {
    const { platform, actor, dataset } = workspace;
    const before = await put(workspace, '/a.txt', 'first');
    // biome-ignore lint/correctness/useYield: what matters is that nobody asks
    async function* untouched(): AsyncGenerator<Uint8Array> {
      throw new Error('the source was read');
    }

    const outcome = await uploadItem(platform, actor, {
      datasetId: dataset.id,
      path: '/a.txt',
      source: untouched(),
      mode: 'skip',
    });

    expect(outcome).toEqual({ item: before, op: 'exist' });
  });

  it('with overwrite gives the same item new bytes and keeps annotations and metadata of people', async () => {
    const { platform, actor, dataset } = workspace;
    const first = await uploadItem(platform, actor, {
      datasetId: dataset.id,
      path: '/a.txt',
      source: bytesOf('first'),
      mode: 'skip',
      metadata: { user: { k: 1 }, system: { size: 99, md5: 'x' } },
    });
    await createAnnotations(platform, actor, first.item.id, [{ type: 'class', label: 'cat' }]);

    const second = await uploadItem(platform, actor, {
      datasetId: dataset.id,
      path: '/a.txt',
      source: bytesOf('second one'),
      mode: 'overwrite',
    });

    expect(first.op).toBe('created');
    expect(second.op).toBe('overwrite');
    expect(second.item).toMatchObject({
      id: first.item.id,
      annotated: true,
      metadata: { user: { k: 1 }, system: { size: 10, md5: 'x' } },
    });
    expect(await textOf(first.item.id)).toBe('second one');
  });

  it('tells of a new item, then of new bytes, and not of the same upload repeated', async () => {
    await put(workspace, '/f/a.txt', 'one');
    await put(workspace, '/f/a.txt', 'two');
    await put(workspace, '/f/a.txt', 'two');

    expect(eventNames(await takeEvents(workspace.platform))).toEqual(['Item Created', 'Item Updated']);
  });

  it('over the limit is refused with 413, and leaves no item, no folder and no event', async () => {
    await workspace.platform.close();
    workspace = await openWorkspace({ maxItemBytes: 10 });
    const { platform, actor, dataset } = workspace;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(4);
    }

    for (const source of [new Uint8Array(11), endless()])
      await expect(
        uploadItem(platform, actor, { datasetId: dataset.id, path: '/f/big', source, mode: 'skip' }),
      ).rejects.toMatchObject({ code: 'ItemTooLarge', statusCode: 413 });
    expect(await pathsOf(workspace)).toEqual([]);
    expect(await takeEvents(platform)).toEqual([]);
  });

  it('whose source breaks leaves nothing', async () => {
    const { platform, actor, dataset } = workspace;
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytesOf('half');
      throw new Error('connection reset');
    }

    await expect(
      uploadItem(platform, actor, { datasetId: dataset.id, path: '/f/a', source: broken(), mode: 'skip' }),
    ).rejects.toThrow('connection reset');
    expect(await pathsOf(workspace)).toEqual([]);
  });

  it('does not turn a file into a folder, nor a folder into a file', async () => {
    const { platform, actor, dataset } = workspace;
    await put(workspace, '/a', 'file');
    await makeDir(platform, actor, dataset.id, '/d');

    const attempt = (path: string) =>
      uploadItem(platform, actor, { datasetId: dataset.id, path, source: bytesOf('x'), mode: 'overwrite' });

    await expect(attempt('/a/b')).rejects.toMatchObject({ code: 'Conflict', name: 'PathTaken' });
    await expect(attempt('/d')).rejects.toMatchObject({ code: 'Conflict', name: 'PathTaken' });
    await expect(makeDir(platform, actor, dataset.id, '/a')).rejects.toMatchObject({ name: 'PathTaken' });
  });

  it('at one path by many at once makes one item', async () => {
    const { platform, actor, dataset } = workspace;

    const outcomes = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        uploadItem(platform, actor, {
          datasetId: dataset.id,
          path: '/f/same.txt',
          source: bytesOf(`v${index}`),
          mode: 'skip',
        }),
      ),
    );

    expect(new Set(outcomes.map(({ item }) => item.id)).size).toBe(1);
    expect(outcomes.filter(({ op }) => op === 'created')).toHaveLength(1);
    expect(await pathsOf(workspace)).toEqual(['/f', '/f/same.txt']);
  });

  it.each(['/../a', '/a\0b', '/a\\b', '/a ', '//a', ''])(
    'to %j is refused before a byte is read',
    async (path) => {
      const { platform, actor, dataset } = workspace;

      await expect(
        uploadItem(platform, actor, { datasetId: dataset.id, path, source: bytesOf('x'), mode: 'skip' }),
      ).rejects.toMatchObject({ code: 'InvalidItemPath', statusCode: 400 });
    },
  );

  it('keeps metadata as given, and refuses a key that would reach a prototype', async () => {
    const { platform, actor, dataset } = workspace;
    const upload = (path: string, text: string) =>
      uploadItem(platform, actor, {
        datasetId: dataset.id,
        path,
        source: bytesOf('x'),
        mode: 'skip',
        metadata: JSON.parse(text),
      });

    const { item } = await upload('/a.txt', '{"user":{},"extra":[1,{"a":null}]}');
    const hostile = upload('/b.txt', '{"user":{"__proto__":{"polluted":true}}}');

    await expect(hostile).rejects.toMatchObject({ code: 'InvalidInput' });
    expect(item.metadata.extra).toEqual([1, { a: null }]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(await platform.store.count('Item', { filter: { filename: '/b.txt' } })).toBe(0);
  });

  it('make dir is repeatable and answers the same folder', async () => {
    const { platform, actor, dataset } = workspace;

    const first = await makeDir(platform, actor, dataset.id, '/a/b/');
    const second = await makeDir(platform, actor, dataset.id, 'a/b');

    expect(first).toMatchObject({
      type: 'dir',
      filename: '/a/b',
      name: 'b',
      dir: '/a',
      metadata: { system: {} },
    });
    expect(second).toEqual(first);
    expect(await takeEvents(platform)).toEqual([]);
  });
});
