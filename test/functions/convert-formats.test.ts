import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertFunction } from '../../functions/convert/convert.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createAnnotations, listAnnotations } from '../../shared/catalog/annotations.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { labelsOfDataset } from '../../shared/catalog/labels.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import { FORMAT_NAMES } from '../../shared/formats/registry.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { runInPlace } from '../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

const BOX: Json = [
  { x: 4, y: 8, z: 0 },
  { x: 20.5, y: 40, z: 0 },
];

describe('the convert function with a format', () => {
  let space: TinyWorkspace;
  let folder: string;
  let photos: Dataset;
  beforeEach(async () => {
    folder = temporaryFolder();
    space = await openTinyWorkspace({ config: { localRoots: [folder] } });
    photos = await createDataset(space.platform, LOCAL_ACTOR, {
      name: 'photos',
      projects: [space.project.id],
    });
    const bytes = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#123' } })
      .png()
      .toBuffer();
    const entries = [
      { path: '/a/1.png', bytes, partition: 'train' as const },
      { path: '/a/2.png', bytes },
    ];
    await uploadItems(space.platform, LOCAL_ACTOR, photos.id, entries, { mode: 'skip' });
  });
  afterEach(() => space.platform.close());

  const convert = (input: JsonObject) =>
    runInPlace(space.container, convertFunction, { snapshot: space.snapshot.id, ...input });
  const bucket = () => ({ type: 'local', localPath: folder });
  const itemsOf = async (dataset: Dataset) =>
    (
      await space.platform.store.query('Item', {
        filter: { type: 'file' },
        scope: { datasetId: dataset.id },
        sort: [{ field: 'filename', direction: 'ascending' }],
      })
    ).items;
  const annotate = async (...annotations: JsonObject[]) => {
    const [first] = await itemsOf(photos);
    await createAnnotations(space.platform, LOCAL_ACTOR, first!.id, annotations);
  };
  const other = (name: string) =>
    createDataset(space.platform, LOCAL_ACTOR, { name, projects: [space.project.id] });

  it.each(FORMAT_NAMES)(
    'writes items and boxes as %s, reads them into another dataset, and twice is once',
    async (format) => {
      await annotate(
        { type: 'box', label: 'cat', coordinates: BOX },
        { type: 'box', label: 'dog', coordinates: BOX },
      );

      const output = await convert({ dataset: photos.id, format, strict: true, bucket: bucket() });
      const copy = await other('copy');
      const back = await convert({
        dataset: copy.id,
        format,
        strict: true,
        from: bucket(),
        folder: '/back/',
      });
      const again = await convert({ dataset: copy.id, format, strict: true, from: bucket(), folder: 'back' });

      expect(output).toMatchObject({ format, items: { train: 1, unassigned: 1 }, losses: [] });
      expect(back).toMatchObject({
        created: 2,
        annotations: { created: 2, existed: 0 },
        // A table has no place for a partition but its name, which may be anything.
        partitions: format === 'csv' ? {} : { train: 1 },
        failed: [],
        losses: [],
      });
      expect(again).toMatchObject({ created: 0, annotations: { created: 0, existed: 2 }, failed: [] });
      const items = await itemsOf(copy);
      expect(items.map(({ filename, annotationsCount }) => [filename, annotationsCount])).toEqual([
        ['/back/a/1.png', 2],
        ['/back/a/2.png', 0],
      ]);
      const annotations = await listAnnotations(space.platform, LOCAL_ACTOR, items[0]!.id);
      expect(annotations.map(({ label }) => label).sort()).toEqual(['cat', 'dog']);
      for (const { type, coordinates } of annotations)
        expect({ type, coordinates }).toEqual({ type: 'box', coordinates: BOX });
      const found = await space.platform.store.get('Dataset', copy.id);
      expect((await labelsOfDataset(space.platform, found!)).sort()).toEqual(['cat', 'dog']);
    },
  );

  it('says what it loses, and strict writes nothing at all', async () => {
    await annotate(
      { type: 'box', label: 'cat', coordinates: [...(BOX as Json[]), 30], attributes: ['red'] },
      { type: 'note', label: 'x', coordinates: {} },
    );

    await expect(
      convert({ dataset: photos.id, format: 'coco', strict: true, bucket: bucket() }),
    ).rejects.toMatchObject({
      code: 'FormatLossRefused',
      details: {
        losses: [{ type: 'box', field: 'attributes' }, { field: 'coordinates.angle' }, { type: 'note' }],
      },
    });
    expect(await readdir(folder)).toEqual([]);

    const { losses } = await convert({ dataset: photos.id, format: 'coco', bucket: bucket() });
    expect(losses).toEqual([
      { type: 'box', field: 'attributes', how: 'dropped', count: 1, example: '["red"]' },
      { type: 'box', field: 'coordinates.angle', how: 'approximated', count: 1, example: '30' },
      { type: 'note', field: '*', how: 'dropped', count: 1, example: '"x"' },
    ]);
  });

  it('refuses to read with loss when strict, and writes nothing of a file that is broken further down', async () => {
    const copy = await other('copy');
    const read = (strict: boolean) => convert({ dataset: copy.id, format: 'csv', strict, from: bucket() });
    await writeFile(join(folder, 'a.png'), 'x');
    await writeFile(join(folder, 'a.csv'), 'filename,label,price\na.png,cat,7\n');

    await expect(read(true)).rejects.toMatchObject({ code: 'FormatLossRefused' });
    await writeFile(join(folder, 'a.csv'), 'filename,label\na.png,cat\n../x,cat\n');
    await expect(read(false)).rejects.toMatchObject({ code: 'FormatUnreadable' });

    expect(await itemsOf(copy)).toEqual([]);
  });

  it('brings annotations to items that are there already, by path or by a name that only one has', async () => {
    await writeFile(
      join(folder, 'a.csv'),
      'filename,label\n1.png,cat\na/2.png,cat\nb/3.png,cat\nb/3.png,dog\n',
    );

    const output = await convert({ dataset: photos.id, format: 'csv', from: bucket() });

    expect(output).toMatchObject({
      annotations: { created: 2 },
      failed: [{ filename: 'b/3.png', code: 'ItemMissing' }],
      failures: 1,
    });
    expect((await itemsOf(photos)).map(({ annotationsCount }) => annotationsCount)).toEqual([1, 1]);
  });

  it('passes over an annotation that no item can have, and says so', async () => {
    await writeFile(join(folder, 'a.csv'), `filename,label\n1.png,${'x'.repeat(5_000)}\n1.png,cat\n`);

    expect(await convert({ dataset: photos.id, format: 'csv', from: bucket() })).toMatchObject({
      annotations: { created: 1 },
      failed: [{ filename: '1.png', code: 'InvalidInput' }],
    });
  });

  it('leaves out the files of items when it is told to', async () => {
    const output = await convert({
      dataset: photos.id,
      format: 'yolo',
      media: false,
      partition: 'train',
      bucket: bucket(),
    });

    expect(output).toMatchObject({ items: { train: 1 }, written: { files: 4 } });
    expect(await readdir(join(folder, 'labels', 'a'))).toEqual(['1.txt']);
    expect(await readFile(join(folder, 'train.txt'), 'utf8')).toBe('./images/a/1.png\n');
  });

  it('keeps the order of the labels that the snapshot has', async () => {
    await annotate({ type: 'box', label: 'cat', coordinates: BOX });

    await convert({ dataset: photos.id, format: 'yolo', bucket: bucket() });

    const { labels } = space.snapshot.ontologySpec;
    expect(await readFile(join(folder, 'classes.txt'), 'utf8')).toBe([...labels, 'cat', ''].join('\n'));
  });

  it('reads files of a detected format into a dataset without any snapshot', async () => {
    const copy = await other('copy');
    await writeFile(join(folder, 'a.csv'), 'filename,label,left,top,right,bottom\na.png,cat,1,2,3,4\n');
    await writeFile(join(folder, 'a.png'), 'x');
    const read = (input: JsonObject) => runInPlace(space.container, convertFunction, input);

    const output = await read({ dataset: copy.id, format: 'auto', from: bucket(), partition: 'test' });

    expect(output).toMatchObject({
      format: 'csv',
      detected: expect.stringContaining('a.csv'),
      created: 1,
      annotations: { created: 1 },
      partitions: { test: 1 },
      withoutAnnotations: { count: 0 },
    });
    expect((await itemsOf(copy))[0]!.metadata.system).toMatchObject({ snapshotPartition: 'test' });
    for (const input of [
      { dataset: copy.id, format: 'csv' },
      { dataset: copy.id, from: bucket() },
      { format: 'csv', from: bucket() },
    ])
      await expect(read(input)).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('refuses to choose between the files of two formats, or none', async () => {
    const read = () => convert({ dataset: photos.id, format: 'auto', from: bucket() });
    await writeFile(join(folder, 'a.bin'), 'x');
    await expect(read()).rejects.toMatchObject({ code: 'FormatUnclear', details: { found: [] } });

    await writeFile(join(folder, 'a.csv'), 'filename,label\n1.png,cat\n');
    await writeFile(join(folder, 'a.xml'), '<annotation><filename>1.png</filename></annotation>');
    await expect(read()).rejects.toMatchObject({
      code: 'FormatUnclear',
      details: { found: [{ name: 'voc' }, { name: 'csv' }] },
    });
  });

  it('refuses files without a single label, and takes them in when that is allowed', async () => {
    const copy = await other('copy');
    await writeFile(join(folder, 'a.csv'), 'filename,label\n');
    await writeFile(join(folder, 'a.png'), 'x');
    const read = (allowUnlabelled: boolean) =>
      convert({ dataset: copy.id, format: 'csv', from: bucket(), allowUnlabelled });

    await expect(read(false)).rejects.toMatchObject({
      code: 'NoLabelsFound',
      message: expect.stringMatching(/0 labels.*--allow-unlabelled/),
      details: { annotationFiles: 1, media: 1 },
    });
    expect(await itemsOf(copy)).toEqual([]);
    expect(await read(true)).toMatchObject({
      created: 1,
      annotations: { created: 0 },
      withoutAnnotations: { count: 1, examples: ['a.png'] },
    });
  });

  it('refuses a folder without a file of the format, and a format that is none', async () => {
    await rm(folder, { recursive: true });

    for (const input of [
      { format: 'voc', from: bucket() },
      { format: 'labelme' },
      { format: 'coco', partition: 'validation' },
    ])
      await expect(convert({ dataset: photos.id, ...input })).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
