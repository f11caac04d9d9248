import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { convertFunction } from '../../functions/convert/convert.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { listAnnotations } from '../../shared/catalog/annotations.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { inputOf } from '../../shared/datasets/partition-data.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { JsonObject } from '../../shared/json.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { runInPlace } from '../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

let space: TinyWorkspace;
let folder: string;
let dataset: Dataset;
beforeEach(async () => {
  folder = temporaryFolder();
  space = await openTinyWorkspace({ config: { localRoots: [folder] } });
  dataset = await createDataset(space.platform, LOCAL_ACTOR, { name: 'pets', projects: [space.project.id] });
});
afterEach(() => space.platform.close());

async function put(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const read = (input: JsonObject = {}) =>
  runInPlace(space.container, convertFunction, {
    dataset: dataset.id,
    format: 'auto',
    from: { type: 'local', localPath: folder },
    ...input,
  });

/** Items in order of path, each with its boxes as `label left,top,right,bottom`. */
async function itemsOf() {
  const { items } = await space.platform.store.query('Item', {
    filter: { type: 'file' },
    scope: { datasetId: dataset.id },
    sort: [{ field: 'filename', direction: 'ascending' }],
  });
  return Promise.all(
    items.map(async (item) => {
      const annotations = await listAnnotations(space.platform, LOCAL_ACTOR, item.id);
      const system = item.metadata.system as { width?: number; height?: number; snapshotPartition?: string };
      return {
        item,
        filename: item.filename,
        size: [system.width, system.height],
        partition: system.snapshotPartition,
        boxes: annotations.map(({ label, coordinates }) => {
          const [first, second] = coordinates as { x: number; y: number }[];
          return `${label} ${first!.x},${first!.y},${second!.x},${second!.y}`;
        }),
      };
    }),
  );
}

const image = (width = 100, height = 50) =>
  sharp({ create: { width, height, channels: 3, background: '#456' } });

it('labels of a JPEG that EXIF turns are boxes of the upright picture, like its pixels', async () => {
  await put({
    'classes.txt': 'red',
    'labels/a.txt': '0 0.5 0.25 1.0 0.5\n',
    'images/a.jpg': await image(80, 40).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  });

  await read();

  const [found] = await itemsOf();
  expect(found).toMatchObject({ size: [40, 80], boxes: ['red 0,0,40,40'] });
  const { width, height } = await inputOf(space.platform, found!.item).image();
  expect([width, height]).toEqual([40, 80]);
});

it.each(['tiff', 'avif', 'webp', 'gif'] as const)(
  'labels of a %s are boxes in its pixels',
  async (format) => {
    await put({
      'classes.txt': 'dog',
      [`images/a.${format}`]: await image()[format]().toBuffer(),
      'labels/a.txt': '0 0.5 0.5 0.2 0.4\n',
    });

    expect(await read({ strict: true })).toMatchObject({ annotations: { created: 1 }, losses: [] });
    expect(await itemsOf()).toMatchObject([{ size: [100, 50], boxes: ['dog 40,15,60,35'] }]);
  },
);

it('labels of an image without a known size are never scaled to another one', async () => {
  const cut = (await image().jpeg().toBuffer()).subarray(0, 100);
  await put({
    'classes.txt': 'dog',
    'images/a.png': await image().png().toBuffer(),
    'images/cut.jpg': cut,
    'labels/a.txt': '0 0.5 0.5 0.2 0.4\n',
    'labels/cut.txt': '0 0.5 0.5 0.2 0.4\n',
  });

  await expect(read({ strict: true })).rejects.toMatchObject({ code: 'FormatLossRefused' });
  expect(await itemsOf()).toEqual([]);
  expect(await read()).toMatchObject({
    losses: [
      { type: 'box', field: '*', count: 1, example: expect.stringContaining('cut.jpg has no known width') },
    ],
  });
  expect((await itemsOf()).map(({ boxes }) => boxes)).toEqual([['dog 40,15,60,35'], []]);
});

it('labels in pixels are refused, and nothing is written', async () => {
  await put({
    'classes.txt': 'dog',
    'images/a.png': await image().png().toBuffer(),
    'labels/a.txt': '0 50 25 20 20\n',
  });

  await expect(read()).rejects.toMatchObject({
    code: 'NoLabelsFound',
    message: expect.stringContaining('labels/a.txt:1: 0 50 25 20 20'),
  });
  expect(await itemsOf()).toEqual([]);
});

it('the splits of a data set become partitions, and reading it again changes nothing', async () => {
  const png = await image().png().toBuffer();
  await put({
    'data.yaml': 'train: ../train/images\nval: ../valid/images\nnames: [dog, cat]\n',
    'train/images/a.png': png,
    'train/labels/a.txt': '0 0.5 0.5 0.2 0.4\n',
    'valid/images/b.png': png,
    'valid/labels/b.txt': '1 0.5 0.5 0.2 0.4\n',
  });

  const first = await read({ folder: '/in' });
  const again = await read({ folder: '/in' });

  expect(first).toMatchObject({
    format: 'yolo',
    created: 2,
    partitions: { train: 1, validation: 1 },
    losses: [],
  });
  expect(again).toMatchObject({ created: 0, annotations: { created: 0, existed: 2 } });
  expect(await itemsOf()).toMatchObject([
    { filename: '/in/train/a.png', partition: 'train', boxes: ['dog 40,15,60,35'] },
    { filename: '/in/valid/b.png', partition: 'validation', boxes: ['cat 40,15,60,35'] },
  ]);
});

it('pictures with files of names and without a single label are refused', async () => {
  await put({ 'obj.names': 'dog', 'obj_train_data/a.png': await image().png().toBuffer() });

  await expect(read({ format: 'yolo' })).rejects.toMatchObject({ statusCode: 422, code: 'NoLabelsFound' });
  expect(await itemsOf()).toEqual([]);
  expect(await read({ format: 'yolo', allowUnlabelled: true })).toMatchObject({ created: 1 });
});

it('a label file without a picture, and a picture without a label file, are both reported', async () => {
  const png = await image().png().toBuffer();
  await put({
    'classes.txt': 'dog',
    'a.png': png,
    'a.txt': '0 0.5 0.5 0.2 0.4\n',
    'bare.png': png,
    'gone.txt': '0 0.5 0.5 0.2 0.4\n',
  });

  expect(await read()).toMatchObject({
    annotations: { created: 1 },
    withoutAnnotations: { count: 1, examples: ['bare.png'] },
    failed: [{ filename: 'gone', code: 'ItemMissing' }],
  });
});
