import { describe, expect, it } from 'vitest';
import { LossReport } from '../../../shared/formats/loss-report.ts';
import { openFormat } from '../../../shared/formats/registry.ts';
import type { Json } from '../../../shared/json.ts';
import { maskOfBinary } from '../../../shared/masks/png-mask.ts';
import { pixelsOf } from '../../../shared/masks/run-mask.ts';
import { memoryFiles, sourceOf } from './memory-files.ts';

async function read(name: string, texts: Record<string, string>) {
  const losses = new LossReport();
  const sized = (path: string) => ({ path, width: 100, height: 50 });
  const findStem = async (stem: string) => sized(`${stem}.png`);
  const findPath = async (path: string) => sized(path);
  const items = await Array.fromAsync(
    (await openFormat(name)).read(memoryFiles(texts), { losses, findStem, findPath }),
  );
  return {
    items,
    losses: losses.list().map(({ type, field, how, count }) => `${type} ${field} ${how} ${count}`),
  };
}

const coco = (annotations: Json[], more: Record<string, Json> = {}) => ({
  'a.json': JSON.stringify({
    annotations,
    categories: [
      { id: 3, name: 'person', supercategory: 'life', keypoints: ['nose', 'eye', 'ear'], skeleton: [[1, 2]] },
    ],
    images: [{ id: 'x', file_name: 'a.png', license: 1 }],
    ...more,
  }),
});

describe('COCO files of others', () => {
  it('are read in whatever order their parts stand, and what is not taken is told', async () => {
    const { items, losses } = await read(
      'coco',
      coco([{ id: 1, image_id: 'x', category_id: 3, bbox: [1, 2, 3, 4], iscrowd: 1, score: 0.5 }], {
        info: { year: 2017 },
      }),
    );

    expect(items).toMatchObject([
      {
        path: 'a.png',
        annotations: [
          {
            type: 'box',
            label: 'person',
            coordinates: [
              { x: 1, y: 2, z: 0 },
              { x: 4, y: 6, z: 0 },
            ],
            metadata: { user: { isCrowd: true } },
          },
        ],
      },
    ]);
    expect(losses).toEqual([
      'box score dropped 1',
      'category skeleton dropped 1',
      'category supercategory dropped 1',
      'file info dropped 1',
      'image license dropped 1',
    ]);
  });

  it('have masks as lists of lengths and as compressed text', async () => {
    const base = { image_id: 'x', category_id: 3 };
    const { items } = await read(
      'coco',
      coco([
        { ...base, segmentation: { size: [2, 3], counts: [2, 3, 1] } },
        { ...base, segmentation: { size: [2, 3], counts: '231' } },
      ]),
    );

    for (const { coordinates } of items[0]!.annotations)
      expect([...pixelsOf(maskOfBinary(coordinates)!)]).toEqual([0, 1, 1, 0, 1, 0]);
  });

  it('have keypoints, which become points of their own; that they belonged together is told', async () => {
    const { items, losses } = await read(
      'coco',
      coco([
        {
          image_id: 'x',
          category_id: 3,
          bbox: [0, 0, 9, 9],
          keypoints: [1, 2, 2, 0, 0, 0, 5, 6, 1],
          num_keypoints: 2,
        },
      ]),
    );

    expect(items[0]!.annotations.map(({ type, label }) => `${type} ${label}`)).toEqual([
      'box person',
      'point nose',
      'point ear',
    ]);
    expect(losses).toEqual(
      expect.arrayContaining(['box keypoints approximated 1', 'point keypoints.visibility approximated 1']),
    );
  });

  it.each([
    ['an unknown image', [{ image_id: 'y', category_id: 3, bbox: [1, 2, 3, 4] }]],
    ['an unknown category', [{ image_id: 'x', category_id: 4, bbox: [1, 2, 3, 4] }]],
    ['an annotation that is no object', [7]],
  ])('are refused with %s', async (_what, annotations) => {
    await expect(read('coco', coco(annotations as Json[]))).rejects.toMatchObject({
      code: 'FormatUnreadable',
    });
  });

  it('are refused when they are deeper than anybody needs', async () => {
    const text = `{"images":[],"categories":[],"annotations":[${'['.repeat(70)}${']'.repeat(70)}]}`;

    await expect(read('coco', { 'a.json': text })).rejects.toMatchObject({ code: 'FormatUnreadable' });
  });

  it('leave the prototype of objects alone', async () => {
    const hostile = `{"images":[{"id":1,"file_name":"a.png","__proto__":{"polluted":1}}],"categories":[{"id":1,"name":"__proto__"}],"annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,1,1],"__proto__":{"polluted":1}}]}`;

    const { items } = await read('coco', { 'a.json': hostile });

    expect(items[0]!.annotations[0]!.label).toBe('__proto__');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('YOLO files of others', () => {
  it('have boxes, polygons, and a confidence that is told as lost', async () => {
    const { items, losses } = await read('yolo', {
      'classes.txt': 'cat\r\ndog\r\n\r\n',
      'labels/a.txt': '0 0.5 0.5 0.2 0.4\r\n1 .1 .1 .2 .1 .2 .3\n\n0 0.5 0.5 1 1 0.93',
    });

    expect(items).toHaveLength(1);
    expect(items[0]!.annotations).toMatchObject([
      {
        type: 'box',
        label: 'cat',
        coordinates: [
          { x: 40, y: 15 },
          { x: 60, y: 35 },
        ],
      },
      {
        type: 'segment',
        label: 'dog',
        coordinates: [
          [
            { x: 10, y: 5 },
            { x: 20, y: 5 },
            { x: 20, y: 15 },
          ],
        ],
      },
      {
        type: 'box',
        label: 'cat',
        coordinates: [
          { x: 0, y: 0 },
          { x: 100, y: 50 },
        ],
      },
    ]);
    expect(losses).toEqual(['box confidence dropped 1']);
  });

  it.each([
    ['a class without a name', '2 0.5 0.5 1 1'],
    ['a negative class', '-1 0.5 0.5 1 1'],
    ['a word', '0 0.5 half 1 1'],
    ['too few numbers', '0 0.5 0.5 1'],
    ['a number that is none', '0 0.5 0.5 1 1e999'],
    ['half a corner', '0 0.1 0.1 0.2 0.2 0.3 0.3 0.4'],
  ])('are refused with %s, and the line is named', async (_what, line) => {
    await expect(
      read('yolo', { 'classes.txt': 'cat\n', 'labels/a.txt': `0 0.5 0.5 1 1\n${line}` }),
    ).rejects.toMatchObject({
      code: 'FormatUnreadable',
      message: expect.stringContaining('line 2'),
    });
  });

  it('are refused without the names of their classes', async () => {
    await expect(read('yolo', { 'labels/a.txt': '0 0 0 1 1' })).rejects.toMatchObject({
      message: expect.stringContaining('classes.txt'),
    });
  });

  it('are not written for two items of one name', async () => {
    const item = (path: string) => ({ path, width: 1, height: 1, annotations: [] });
    const source = sourceOf({ train: [item('a.png')], test: [item('a.jpg')] });

    for (const name of ['yolo', 'voc', 'dataloop'])
      await expect(
        (await openFormat(name)).write(source, memoryFiles(), new LossReport()),
      ).rejects.toMatchObject({
        code: 'FormatNameClash',
      });
  });
});

const voc = (objects: string, head = '') => ({
  'Annotations/a.xml': `<?xml version="1.0"?>${head}<annotation>\n<filename>a.jpg</filename><source><database>VOC2007</database></source>${objects}</annotation>`,
});
const BOX = '<bndbox><xmin> 8.5 </xmin><ymin>1</ymin><xmax>20</xmax><ymax>30</ymax></bndbox>';

describe('VOC files of others', () => {
  it('have flags, poses and parts; what is not taken is told', async () => {
    const { items, losses } = await read(
      'voc',
      voc(
        `<object><name>a &amp; b</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>${BOX}<part><name>head</name></part></object>`,
      ),
    );

    expect(items).toMatchObject([
      {
        path: 'a.jpg',
        annotations: [
          {
            label: 'a & b',
            attributes: ['truncated'],
            coordinates: [
              { x: 8.5, y: 1 },
              { x: 20, y: 30 },
            ],
          },
        ],
      },
    ]);
    expect(losses).toEqual([
      'box part/name dropped 1',
      'box pose dropped 1',
      'file source/database dropped 1',
    ]);
  });

  it.each([
    ['a document type with entities', voc('', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>')],
    ['an entity that grows', voc('<object><name>&lol;</name></object>', '<!DOCTYPE a [<!ENTITY lol "ha">]>')],
    ['an unknown entity', voc('<object><name>&x;</name></object>')],
    ['elements without end', voc('<a>'.repeat(40) + '</a>'.repeat(40))],
    ['a text without end', voc(`<a>${'x'.repeat(70_000)}</a>`)],
    ['another document', { 'Annotations/a.xml': '<svg/>' }],
    ['tags that do not close', { 'Annotations/a.xml': '<annotation><filename>a</annotation>' }],
  ])('are refused with %s', async (_what, texts) => {
    await expect(read('voc', texts)).rejects.toMatchObject({ code: 'FormatUnreadable' });
  });
});

describe('tables of others', () => {
  it('need names and labels alone, and have columns in any order', async () => {
    const { items, losses } = await read('csv', {
      'a.csv': '\uFEFFlabel,right,bottom,left,top,filename,price\ncat,3,4,1,2,./a.png,7\ndog,,,,,b.png,\n',
    });

    expect(items).toMatchObject([
      {
        path: 'a.png',
        annotations: [
          {
            type: 'box',
            label: 'cat',
            coordinates: [
              { x: 1, y: 2 },
              { x: 3, y: 4 },
            ],
          },
        ],
      },
      { path: 'b.png', annotations: [{ type: 'class', label: 'dog' }] },
    ]);
    expect(losses).toEqual(['box price dropped 1']);
  });

  it.each([
    ['no label', 'filename\na.png\n'],
    ['a column twice', 'filename,label,label\na.png,a,b\n'],
    ['a corner that is no number', 'filename,label,left,top,right,bottom\na.png,cat,1,2,x,4\n'],
    ['a corner that is missing', 'filename,label,left,top,right,bottom\na.png,cat,1,2,,4\n'],
    ['coordinates that are no JSON', 'filename,label,coordinates\na.png,cat,{\n'],
    ['a cell too many', 'filename,label\na.png,cat,x\n'],
    ['a quote that does not end', 'filename,label\n"a.png,cat\n'],
  ])('are refused with %s', async (_what, text) => {
    await expect(read('csv', { 'a.csv': text })).rejects.toMatchObject({ code: 'FormatUnreadable' });
  });
});

describe('a loss report', () => {
  it('counts, keeps the first example short, and ends when names never do', () => {
    const losses = new LossReport();
    for (let index = 0; index < 2_000; index += 1)
      losses.dropped('box', `field${index % 1_000}`, 'x'.repeat(500));

    const list = losses.list();

    expect(list.length).toBeLessThanOrEqual(501);
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(2_000);
    expect(Math.max(...list.map(({ example }) => example.length))).toBeLessThanOrEqual(120);
  });
});
