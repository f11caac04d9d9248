import { describe, expect, it } from 'vitest';
import type { FormatItem } from '../../../shared/formats/format.ts';
import { LossReport } from '../../../shared/formats/loss-report.ts';
import { openFormat } from '../../../shared/formats/registry.ts';
import { memoryFiles } from './memory-files.ts';

/** In the middle of an image of 100 x 50: (40,15)-(60,35). */
const MIDDLE = '0.5 0.5 0.2 0.4';
const IN_PIXELS = [
  { x: 40, y: 15, z: 0 },
  { x: 60, y: 35, z: 0 },
];

interface Read {
  items: FormatItem[];
  /** Label and partition by item path; items without annotations, too. */
  labels: Record<string, string>;
  losses: string[];
  media: string[];
  evidence: string | undefined;
}

/** Reads files; pictures may have any content. Items exist for `present`, or for every picture of the folder. */
async function read(texts: Record<string, string>, present?: readonly string[]): Promise<Read> {
  const format = await openFormat('yolo');
  const files = memoryFiles(texts);
  const losses = new LossReport();
  const { media, evidence } = await format.survey(files);
  const paths = present ?? media.map(({ path }) => path);
  const find = async (test: (path: string) => boolean) => {
    const found = paths.filter(test);
    return found.length === 1 ? { path: found[0]!, width: 100, height: 50 } : undefined;
  };
  const findPath = (path: string) => find((each) => each === path);
  const findStem = (stem: string) => find((each) => each.replace(/\.\w+$/, '') === stem);
  const items = await Array.fromAsync(format.read(files, { losses, findPath, findStem }));
  for (const { annotations } of items)
    for (const { type, coordinates } of annotations)
      if (type === 'box') expect(coordinates).toEqual(IN_PIXELS);
  return {
    items,
    labels: Object.fromEntries(
      items.map(({ path, annotations, partition }) => [
        path,
        [annotations.map(({ label }) => label).join(), partition ?? 'none'].join(' '),
      ]),
    ),
    losses: losses.list().map(({ type, field, how, count }) => `${type} ${field} ${how} ${count}`),
    media: media.map(({ path }) => path),
    evidence,
  };
}

describe('a YOLO data set is read in the layout', () => {
  it('of Roboflow: images and labels below each split, names and splits in data.yaml', async () => {
    const { labels, media, losses, evidence } = await read({
      'data.yaml': 'train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ["dog", "cat"]\n',
      'README.roboflow.txt': 'made by',
      'train/images/a.png': '',
      'train/labels/a.txt': `0 ${MIDDLE}\n`,
      'train/labels.cache': 'binary',
      'valid/images/b.png': '',
      'valid/labels/b.txt': `1 ${MIDDLE}\n`,
    });

    expect(labels).toEqual({ 'train/a.png': 'dog train', 'valid/b.png': 'cat validation' });
    expect(media).toEqual(['train/a.png', 'valid/b.png']);
    expect(losses).toEqual([]);
    expect(evidence).toMatch(/^data.yaml/);
  });

  it.each([
    [
      'a map of names and folders',
      'path: .\ntrain: images/train\nval: images/val\nnames:\n  0: dog\n  1: cat\n',
    ],
    [
      'the path of another machine',
      'path: /data/my/pets\ntrain: images/train\nval: images/val\nnames: [dog, cat]\n',
    ],
    [
      'whole paths of Windows',
      'train: C:\\data\\images\\train\nval: C:\\data\\images\\val\nnames: [dog, cat]\n',
    ],
    ['lists of folders', 'train: [images/train, images/more]\nval: [images/val]\nnames: [dog, cat]\n'],
    ['names of folders alone', 'nc: 2\nnames: [dog, cat]\n'],
  ])('of Ultralytics, with %s in its YAML', async (what, yaml) => {
    const { labels, losses } = await read({
      'pets.yaml': yaml,
      'images/train/a.png': '',
      'labels/train/a.txt': `0 ${MIDDLE}`,
      'images/val/b.png': '',
      'labels/val/b.txt': `1 ${MIDDLE}`,
    });

    expect(labels).toEqual({ 'train/a.png': 'dog train', 'val/b.png': 'cat validation' });
    // A folder that is not there is named.
    expect(losses).toEqual(what === 'lists of folders' ? ['file partition dropped 1'] : []);
  });

  it('of Ultralytics, with lists of images in place of folders', async () => {
    const { labels, losses } = await read({
      'data.yaml': 'train: train.txt\nval: lists/val.txt\ntest: test.txt\nnames: [dog]\n',
      'train.txt': '\uFEFF./images/a.png\r\n\r\n',
      'lists/val.txt': '/data/my/pets/images/b.png  \n',
      'test.txt': 'C:\\pets\\images\\c.png\n./images/gone.png\n',
      'images/a.png': '',
      'images/b.png': '',
      'images/c.png': '',
      'labels/a.txt': `0 ${MIDDLE}`,
      'labels/b.txt': `0 ${MIDDLE}`,
      'labels/c.txt': `0 ${MIDDLE}`,
    });

    expect(labels).toEqual({ 'a.png': 'dog train', 'b.png': 'dog validation', 'c.png': 'dog test' });
    expect(losses).toEqual(['file listed image dropped 1']);
  });

  it('of CVAT 1.1 and Darknet: labels beside the pictures, names in obj.names, splits in obj.data', async () => {
    const { labels, media, losses, evidence } = await read({
      'obj.data':
        'classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\nbackup = backup/\n',
      'obj.names': 'dog\ncat\n',
      'train.txt': 'data/obj_train_data/a.png\n',
      'valid.txt': 'data/obj_valid_data/a.png\n',
      'obj_train_data/a.png': '',
      'obj_train_data/a.txt': `0 ${MIDDLE}\n`,
      'obj_valid_data/a.png': '',
      'obj_valid_data/a.txt': `1 ${MIDDLE}\n`,
    });

    expect(labels).toEqual({ 'obj_train_data/a.png': 'dog train', 'obj_valid_data/a.png': 'cat validation' });
    expect(media).toEqual(['obj_train_data/a.png', 'obj_valid_data/a.png']);
    expect(losses).toEqual([]);
    expect(evidence).toMatch(/^obj.names/);
  });

  it('of labelImg: pictures, labels and classes.txt in one folder', async () => {
    const { labels, media, losses } = await read({
      'a.png': '',
      'a.txt': `0 ${MIDDLE}`,
      'b.JPG': '',
      'classes.txt': 'dog \r\ncat\r\n\r\n',
    });

    expect(labels).toEqual({ 'a.png': 'dog none', 'b.JPG': ' none' });
    expect(media).toEqual(['a.png', 'b.JPG']);
    expect(losses).toEqual([]);
  });

  it('of Darknet by Roboflow: a file of names in each split', async () => {
    const { labels } = await read({
      'train/_darknet.labels': 'dog\n',
      'train/a.jpg': '',
      'train/a.txt': `0 ${MIDDLE}`,
      'valid/_darknet.labels': 'cat\n',
      'valid/b.jpg': '',
      'valid/b.txt': `0 ${MIDDLE}`,
    });

    expect(labels).toEqual({ 'train/a.jpg': 'dog train', 'valid/b.jpg': 'cat validation' });
  });

  it('of labels alone, for items that are there', async () => {
    const { labels, losses } = await read(
      { 'classes.names': 'dog', 'labels/train/a.txt': `0 ${MIDDLE}`, 'train.txt': './images/train/a.png\n' },
      ['train/a.png'],
    );

    expect(labels).toEqual({ 'train/a.png': ' train' });
    expect(losses).toEqual([]);
  });
});

describe('a YOLO data set', () => {
  const base = { 'classes.txt': 'dog\ncat\n', 'images/a.png': '' };

  it('gives a label file to both pictures of its name, and keeps pictures apart whose paths would be one', async () => {
    const { labels, media } = await read({
      'classes.txt': 'dog',
      'images/a.png': '',
      'images/a.jpg': '',
      'labels/a.txt': `0 ${MIDDLE}`,
      'a.png': '',
    });

    expect(media).toEqual(['a.png', 'a.jpg', 'images/a.png']);
    expect(labels).toMatchObject({ 'a.jpg': 'dog none', 'images/a.png': 'dog none' });
  });

  it('drops a label in pixels or outside the image with its line named, and clips a small overshoot', async () => {
    const { items, losses } = await read({
      ...base,
      'labels/a.txt': `0 50 25 20 20\n0 1.5 0.5 0.2 0.2\n0 0.5 -0.5 0.2 0.2\n0 0.5 0.5 -0.2 0.2\n0 0.1 0.1 1.2 0.3 0.2 0.2\n0 ${MIDDLE}\n`,
    });
    const clipped = new LossReport();
    const files = memoryFiles({
      ...base,
      'labels/a.txt': '0 0.9 0.5 0.4 1\n0 0.5 0.5 1.000001 1\n1 0 0 1.005 0 1 1\n',
    });
    const findPath = async (path: string) => ({ path, width: 100, height: 50 });
    const format = await openFormat('yolo');
    const read1 = await Array.fromAsync(
      format.read(files, { losses: clipped, findPath, findStem: findPath }),
    );

    expect(items[0]!.annotations).toHaveLength(1);
    expect(losses).toEqual(['box coordinates.outside dropped 4', 'segment coordinates.outside dropped 1']);
    expect(clipped.list().map(({ type, how, example }) => [type, how, example])).toEqual([
      ['box', 'approximated', '"labels/a.txt:1: 0 0.9 0.5 0.4 1"'],
      ['segment', 'approximated', '"labels/a.txt:3: 1 0 0 1.005 0 1 1"'],
    ]);
    expect(read1[0]!.annotations.map(({ coordinates }) => coordinates)).toEqual([
      [
        { x: 70, y: 0, z: 0 },
        { x: 100, y: 50, z: 0 },
      ],
      [
        { x: 0, y: 0, z: 0 },
        { x: 100, y: 50, z: 0 },
      ],
      [
        [
          { x: 0, y: 0 },
          { x: 100, y: 0 },
          { x: 100, y: 50 },
        ],
      ],
    ]);
  });

  it('has four corners as a polygon, and keypoints as points where data.yaml says how many there are', async () => {
    const corners = await read({ ...base, 'labels/a.txt': '1 0.1 0.2 0.3 0.2 0.3 0.4 0.1 0.4' });
    const pose = await read({
      'data.yaml': 'kpt_shape: [3, 3]\nnames: {0: dog}\nkpt_names:\n  0: [nose, tail, ear]\n',
      'images/a.png': '',
      'labels/a.txt': `0 ${MIDDLE} 0.1 0.2 2 0 0 0 0.3 0.4 1`,
    });

    expect(corners.items[0]!.annotations).toMatchObject([{ type: 'segment', label: 'cat' }]);
    expect(
      pose.items[0]!.annotations.map(({ type, label, coordinates }) => [type, label, coordinates]),
    ).toEqual([
      ['box', 'dog', IN_PIXELS],
      ['point', 'nose', { x: 10, y: 10 }],
      ['point', 'ear', { x: 30, y: 20 }],
    ]);
    expect(pose.losses).toEqual(['box keypoints approximated 1']);
  });

  it('has a line that comes twice once, and reads marks of order, blank lines and spaces of other systems', async () => {
    const { labels, losses } = await read({
      ...base,
      'labels/a.txt': `\uFEFF0 ${MIDDLE}  \r\n\r\n0  ${MIDDLE}\r\n   \r\n1\t${MIDDLE.replaceAll(' ', '\t')}\r\n`,
    });

    expect(labels).toEqual({ 'a.png': 'dog,cat none' });
    expect(losses).toEqual(['box duplicate dropped 1']);
  });

  it('names what it does not read: other files, classes of one name, pictures in two partitions', async () => {
    const { losses } = await read({
      'classes.txt': 'dog\ndog\n',
      'images/a.png': '',
      'labels/a.txt': `1 ${MIDDLE}`,
      'model.pt': 'weights',
      'notes.txt': 'hello there\n',
      'train.txt': 'images/a.png\n',
      'val.txt': 'images/a.png\n',
    });

    expect(losses).toEqual(['category name approximated 1', 'file * dropped 2', 'image partition dropped 1']);
  });

  it.each([
    [
      'a class beyond the names',
      { ...base, 'labels/a.txt': `2 ${MIDDLE}` },
      /labels\/a.txt.*line 1 has class 2.*2 names/,
    ],
    ['a class by its name', { ...base, 'labels/a.txt': `dog ${MIDDLE}` }, /labels\/a.txt.*line 1/],
    ['no names at all', { 'images/a.png': '', 'labels/a.txt': `0 ${MIDDLE}` }, /labels\/a.txt.*data.yaml/],
    [
      'two files that name other classes',
      { ...base, 'data.yaml': 'names: [cat, dog]', 'labels/a.txt': `0 ${MIDDLE}` },
      /names other classes than/,
    ],
    ['a YAML file that is none', { ...base, 'data.yaml': 'names: [dog', 'labels/a.txt': '' }, /data.yaml/],
    [
      'names of another kind',
      { ...base, 'data.yaml': 'names: {0: [dog]}', 'labels/a.txt': '' },
      /data.yaml.*names/,
    ],
    [
      'keypoints of another number',
      {
        'data.yaml': 'kpt_shape: [2, 3]\nnames: [dog]',
        'images/a.png': '',
        'labels/a.txt': `0 ${MIDDLE} 0.1 0.1 2`,
      },
      /asks for 10/,
    ],
  ])('is refused for %s', async (_what, texts, message) => {
    await expect(read(texts as Record<string, string>)).rejects.toMatchObject({
      code: 'FormatUnreadable',
      message: expect.stringMatching(message),
    });
  });

  it('is refused, not unfolded, for a YAML file whose aliases stand for gigabytes', async () => {
    const lines = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (let at = 1; at < 12; at += 1) {
      const [name, last] = [String.fromCharCode(97 + at), String.fromCharCode(96 + at)];
      lines.push(`${name}: &${name} [${Array(9).fill(`*${last}`).join()}]`);
    }
    const texts = { ...base, 'data.yaml': `${lines.join('\n')}\nnames: *l\n`, 'labels/a.txt': '' };

    await expect(read(texts)).rejects.toMatchObject({ code: 'FormatUnreadable' });
  });

  it('keeps classes whose names YAML would take for something else', async () => {
    const { items } = await read({
      'data.yaml': 'names: [no, 1, ~, "1e3", 0x10]\n',
      'images/a.png': '',
      'labels/a.txt': [0, 1, 2, 3, 4].map((id) => `${id} ${MIDDLE}`).join('\n'),
    });

    expect(items[0]!.annotations.map(({ label }) => label)).toEqual(['no', '1', '~', '1e3', '0x10']);
  });

  it('has no labels for an item whose size is unknown, and names its lines', async () => {
    const losses = new LossReport();
    const find = async (path: string) => ({ path, width: undefined, height: undefined });
    const files = memoryFiles({ ...base, 'labels/a.txt': `0 ${MIDDLE}\n1 ${MIDDLE}\n` });
    const format = await openFormat('yolo');

    const items = await Array.fromAsync(format.read(files, { losses, findPath: find, findStem: find }));

    expect(items).toMatchObject([{ path: 'a.png', annotations: [] }]);
    expect(losses.list()).toMatchObject([
      { type: 'box', field: '*', count: 2, example: expect.stringMatching(/a.png has no known width/) },
    ]);
  });
});
