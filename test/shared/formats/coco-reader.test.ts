import { describe, expect, it } from 'vitest';
import { readRings } from '../../../shared/annotations/shapes.ts';
import type { Areas } from '../../../shared/formats/format.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { polygonMask } from '../../../shared/masks/polygon-mask.ts';
import { areaOf } from '../../../shared/masks/run-mask.ts';
import { type Given, readForeign } from './read-foreign.ts';

const read = (texts: Record<string, string>, given: Given = {}) => readForeign('coco', texts, given);

const document = (annotations: Json[], more: JsonObject = {}): string =>
  JSON.stringify({
    images: [{ id: 1, file_name: 'a.png', width: 100, height: 50 }],
    categories: [{ id: 1, name: 'cat' }],
    annotations: annotations.map((each, at) => ({
      id: at + 1,
      image_id: 1,
      category_id: 1,
      ...(each as object),
    })),
    ...more,
  });

const box = (left: number, top: number, right: number, bottom: number): Json => [
  { x: left, y: top, z: 0 },
  { x: right, y: bottom, z: 0 },
];

describe('annotations of COCO files', () => {
  it.each([
    [1, true],
    [true, true],
    [0, false],
    [false, false],
    [null, false],
  ])('the flag iscrowd may be a number or a boolean: %j', async (iscrowd, isCrowd) => {
    const { annotations, losses } = await read({ 'a.json': document([{ bbox: [1, 2, 3, 4], iscrowd }]) });

    expect(annotations[0]!.metadata).toEqual({ system: {}, ...(isCrowd && { user: { isCrowd: true } }) });
    expect(losses).toEqual([]);
  });

  it('a flag iscrowd that is neither yes nor no is reported', async () => {
    const { losses } = await read({ 'a.json': document([{ bbox: [1, 2, 3, 4], iscrowd: 'maybe' }]) });

    expect(losses).toEqual(['box iscrowd dropped 1']);
  });

  it.each([
    ['two points', [[10, 5, 30, 15]]],
    ['an odd count of numbers', [[10, 5, 30, 15, 20, 5, 7]]],
    ['an empty ring', [[]]],
    ['a line without area', [[10, 5, 20, 10, 30, 15]]],
    ['a polygon without the list around it', [10, 5, 30, 5, 30, 15]],
    ['text', ['10,5,30,15,20,20']],
    ['a mask larger than its frame', { size: [2, 2], counts: [9] }],
    ['a mask with a frame beyond every limit', { size: [1e9, 1e9], counts: [0, 1e18] }],
  ])('a segmentation of %s leaves the box, is reported, and stops no other annotation', async (_, bad) => {
    const { annotations, losses, report } = await read({
      'a.json': document([
        { bbox: [10, 5, 20, 10], segmentation: bad as Json },
        { bbox: [1, 2, 3, 4], segmentation: [] },
      ]),
    });

    expect(annotations.map(({ type, coordinates }) => ({ type, coordinates }))).toEqual([
      { type: 'box', coordinates: box(10, 5, 30, 15) },
      { type: 'box', coordinates: box(1, 2, 4, 6) },
    ]);
    expect(losses).toEqual(['annotation segmentation dropped 1']);
    expect(report[0]!.example).toContain('"image":"a.png","annotation":1');
  });

  it('polygons of one annotation that can be read are kept without the ones that cannot', async () => {
    const square = [0, 0, 10, 0, 10, 10, 0, 10];
    const { annotations, losses } = await read({
      'a.json': document([{ bbox: [0, 0, 10, 10], segmentation: [square, [1, 2, 3, 4]] }]),
    });

    expect(annotations).toMatchObject([{ type: 'segment' }]);
    expect(readRings(annotations[0]!.coordinates!)).toHaveLength(1);
    expect(losses).toEqual(['segment segmentation.ring dropped 1']);
  });

  it.each([{ bbox: [1, 2, -3, 4] }, { bbox: [1, 2, 3] }, { bbox: 'x' }, {}])(
    'an annotation of which nothing can be read is left out with its image and id: %j',
    async (nothing) => {
      const { annotations, losses, report } = await read({
        'a.json': document([nothing, { bbox: [1, 2, 3, 4] }]),
      });

      expect(annotations).toHaveLength(1);
      expect(losses).toContain('annotation * dropped 1');
      expect(report[0]!.example).toContain('"image":"a.png","annotation":1');
    },
  );

  it.each([
    ['two squares that overlap', [0, 0, 20, 0, 20, 20, 0, 20], [10, 0, 30, 0, 30, 20, 10, 20], 600, true],
    ['a square within a square', [0, 0, 30, 0, 30, 30, 0, 30], [10, 10, 20, 10, 20, 20, 10, 20], 900, true],
    ['a square and its copy', [0, 0, 10, 0, 10, 10, 0, 10], [0, 0, 10, 0, 10, 10, 0, 10], 100, true],
    ['squares that share an edge', [0, 0, 10, 0, 10, 10, 0, 10], [10, 0, 20, 0, 20, 10, 10, 10], 200, false],
    ['squares apart', [0, 0, 10, 0, 10, 10, 0, 10], [40, 0, 50, 0, 50, 10, 40, 10], 200, false],
  ])('polygons of one annotation are taken together: %s', async (_, first, second, pixels, isChanged) => {
    const { annotations, losses } = await read({ 'a.json': document([{ segmentation: [first, second] }]) });

    const rings = readRings(annotations[0]!.coordinates!)!;
    expect(areaOf(polygonMask(rings, 100, 50))).toBe(pixels);
    expect(losses).toEqual(isChanged ? ['segment coordinates.rings approximated 1'] : []);
  });
});

describe('the mask and the box of a COCO annotation', () => {
  const square = [0, 0, 10, 0, 10, 10, 0, 10];
  const types = async (bbox: Json, areas?: Areas) => {
    const given = { 'a.json': document([{ bbox, segmentation: [square] }]) };
    const { annotations, losses } = await read(given, areas && { areas });
    return { types: annotations.map(({ type }) => type), losses };
  };

  it.each([
    ['mask', ['segment'], []],
    ['box', ['box'], ['box segmentation dropped 1']],
    ['both', ['segment', 'box'], []],
  ] as const)('are kept as the importer wishes: %s', async (areas, expected, losses) => {
    expect(await types([0, 0, 10, 10], areas)).toEqual({ types: expected, losses });
  });

  it('a box that is not the one around the mask is reported when the mask alone is kept', async () => {
    expect(await types([0, 0, 40, 40])).toEqual({
      types: ['segment'],
      losses: ['segment bbox dropped 1'],
    });
    expect(await types([0.4, 0.4, 9.3, 9.3])).toEqual({ types: ['segment'], losses: [] });
  });
});

describe('ids in COCO files', () => {
  const two = (first: string, second: string) =>
    `{"images":[{"id":${first},"file_name":"a.png"},{"id":${second},"file_name":"b.png"}],` +
    `"categories":[{"id":9007199254740993,"name":"cat"},{"id":9007199254740992,"name":"dog"}],` +
    `"annotations":[{"id":1,"image_id":${second},"category_id":9007199254740992,"bbox":[1,2,3,4]},` +
    `{"id":2,"image_id":${first},"category_id":9007199254740993,"bbox":[5,6,7,8]}]}`;

  it('beyond 2^53 are kept apart, digit for digit', async () => {
    const { annotations } = await read({ 'a.json': two('9007199254740993', '9007199254740992') });

    expect(annotations.map(({ path, label }) => `${path} ${label}`)).toEqual(['b.png dog', 'a.png cat']);
  });

  it('of two images must differ: the error names both', async () => {
    await expect(read({ 'a.json': two('7', '7') })).rejects.toMatchObject({
      code: 'FormatUnreadable',
      message: expect.stringContaining('the image id 7 is used twice, by "a.png" and "b.png"'),
    });
  });

  it('of two categories must differ', async () => {
    const categories = [
      { id: 1, name: 'cat' },
      { id: 1, name: 'dog' },
    ];
    await expect(read({ 'a.json': document([], { categories }) })).rejects.toMatchObject({
      message: expect.stringContaining('the category id 1 is used twice, by "cat" and "dog"'),
    });
  });
});

describe('a folder of COCO files', () => {
  it('may hold captions and panoptic segments beside instances: they are counted as lost', async () => {
    const { annotations, losses } = await read({
      'annotations/captions_val2017.json': JSON.stringify({
        images: [{ id: 1, file_name: 'a.png' }],
        annotations: [{ id: 5, image_id: 1, caption: 'a cat' }],
      }),
      'annotations/instances_val2017.json': document([{ bbox: [1, 2, 3, 4] }]),
      'annotations/panoptic_val2017.json': JSON.stringify({
        images: [{ id: 1, file_name: 'a.png' }],
        annotations: [{ image_id: 1, file_name: 'a.png', segments_info: [{ id: 1 }] }],
      }),
    });

    expect(annotations).toMatchObject([{ path: 'a.png', type: 'box' }]);
    expect(losses).toEqual(['annotation caption dropped 1', 'annotation segments_info dropped 1']);
  });

  it.each([
    ['annotations/instances_train2017.json', 'a.png', 'train'],
    ['annotations/instances_val.json', 'a.png', 'validation'],
    ['person_keypoints_test.json', 'a.png', 'test'],
    ['valid/_annotations.coco.json', 'a.png', 'validation'],
    ['all.json', 'test/a.png', 'test'],
    ['all.json', 'a.png', undefined],
  ])('names partitions by its files and folders: %s with %s', async (file, name, partition) => {
    const images = [{ id: 1, file_name: name }];
    const { items } = await read({ [file]: document([{ bbox: [1, 2, 3, 4] }], { images }) });

    expect(items.map((each) => each.partition)).toEqual([partition]);
  });

  it('images without annotations keep their partition', async () => {
    const { items } = await read({ 'instances_train.json': document([]) });

    expect(items).toMatchObject([{ path: 'a.png', annotations: [], partition: 'train' }]);
  });

  it('with a folder per split keeps pictures of one name apart', async () => {
    const one = document([{ bbox: [1, 2, 3, 4] }]);
    const { annotations } = await read(
      { 'train/_annotations.coco.json': one, 'valid/_annotations.coco.json': one },
      { items: { 'train/a.png': [100, 50], 'valid/a.png': [100, 50] } },
    );

    expect(annotations.map(({ path }) => path)).toEqual(['train/a.png', 'valid/a.png']);
  });

  it('in a folder per part keeps pictures of one name apart that lie in folders of images', async () => {
    const one = document([{ bbox: [1, 2, 3, 4] }]);
    const { annotations } = await read(
      { 'x/annotations/instances.json': one, 'y/annotations/instances_val2017.json': one },
      { items: { 'x/images/a.png': [100, 50], 'y/val2017/a.png': [100, 50] } },
    );

    expect(annotations.map(({ path }) => path)).toEqual(['x/images/a.png', 'y/val2017/a.png']);
  });

  it.each(['..\\images\\a.png', '../images/a.png', 'images\\a.png'])(
    'may name its pictures from its own folder, or as Windows does: %s',
    async (file_name) => {
      const text = document([{ bbox: [1, 2, 3, 4] }], { images: [{ id: 1, file_name }] });
      const { annotations } = await read(
        { 'annotations/instances.json': text },
        { items: { 'images/a.png': [100, 50] } },
      );

      expect(annotations.map(({ path }) => path)).toEqual(['images/a.png']);
    },
  );

  it('reports an image whose declared size is not the upright size of the picture', async () => {
    const given = { 'a.json': document([{ bbox: [1, 2, 3, 4] }]) };

    const turned = await read(given, { items: { 'a.png': [50, 100] } });
    const same = await read(given, { items: { 'a.png': [100, 50] } });

    expect(turned.losses).toEqual(['image width,height approximated 1']);
    expect(turned.report[0]!.example).toContain('a.png: 100x50 in the file, 50x100 upright');
    expect(same.losses).toEqual([]);
  });
});
