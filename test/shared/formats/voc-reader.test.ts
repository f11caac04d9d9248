import { describe, expect, it } from 'vitest';
import { type Given, readForeign } from './read-foreign.ts';

const read = (texts: Record<string, string | Uint8Array>, given: Given = {}) =>
  readForeign('voc', texts, given);

const bndbox = (left: number, top: number, right: number, bottom: number) =>
  `<bndbox><xmin>${left}</xmin><ymin>${top}</ymin><xmax>${right}</xmax><ymax>${bottom}</ymax></bndbox>`;
const object = (name: string, shape = bndbox(40, 15, 60, 35)) =>
  `<object><name>${name}</name>${shape}</object>`;
const document = (inner: string) => `<annotation>${inner}</annotation>`;
const named = (name: string) => `<filename>${name}</filename>`;

describe('VOC documents of other tools', () => {
  it('have inverted boxes turned and counted', async () => {
    const { annotations, losses, report } = await read({
      'Annotations/a.xml': document(named('a.png') + object('dog', bndbox(60, 35, 40, 15))),
    });

    expect(annotations[0]!.coordinates).toEqual([
      { x: 40, y: 15, z: 0 },
      { x: 60, y: 35, z: 0 },
    ]);
    expect(losses).toEqual(['box coordinates.order approximated 1']);
    expect(report[0]!.example).toContain('Annotations/a.xml');
  });

  it.each([
    [
      'a turned box of roLabelImg',
      '<robndbox><cx>1</cx><cy>2</cy><w>3</w><h>4</h><angle>1</angle></robndbox>',
    ],
    ['a polygon', '<polygon><x1>1</x1><y1>2</y1></polygon>'],
    ['a corner that is not a number', bndbox(Number.NaN, 1, 2, 3)],
  ])('an object with %s is left out with its file named, and stops no other object', async (_, shape) => {
    const { annotations, losses, report } = await read({
      'a.xml': document(named('a.png') + object('cat', shape) + object('dog')),
    });

    expect(annotations).toMatchObject([{ label: 'dog' }]);
    expect(losses).toEqual(['annotation * dropped 1']);
    expect(report[0]!.example).toContain('a.xml');
  });

  it.each([
    ['the extension left out', named('a')],
    ['another extension', named('a.jpg')],
    ['a path of another machine', named('C:\\data\\photos\\a.png')],
    ['none', ''],
  ])('belong to the item of their own name when the file name is %s', async (_, filename) => {
    const { annotations } = await read(
      { 'Annotations/a.xml': document(filename + object('dog')) },
      { items: { 'a.png': [100, 50] } },
    );

    expect(annotations.map(({ path }) => path)).toEqual(['a.png']);
  });

  it('without a file name and without an item of their own name are refused', async () => {
    await expect(read({ 'Annotations/a.xml': document(object('dog')) })).rejects.toMatchObject({
      code: 'FormatUnreadable',
      message: expect.stringContaining('no filename'),
    });
  });

  it('in a folder per split keep pictures of one name apart, and give them their partition', async () => {
    const one = document(named('a.png') + object('dog'));
    const { items } = await read(
      { 'train/a.xml': one, 'valid/a.xml': one },
      { items: { 'train/a.png': [100, 50], 'valid/a.png': [100, 50] } },
    );

    expect(items).toMatchObject([
      { path: 'train/a.png', partition: 'train' },
      { path: 'valid/a.png', partition: 'validation' },
    ]);
  });

  it('get the partitions of ImageSets; lists of one class or of two partitions name none', async () => {
    const { items } = await read({
      'Annotations/a.xml': document(named('a.png') + object('dog')),
      'Annotations/b.xml': document(named('b.png')),
      'ImageSets/Main/dog_train.txt': 'b  1\n',
      'ImageSets/Main/test.txt': 'b\n',
      'ImageSets/Main/train.txt': 'a\r\n',
      'ImageSets/Main/trainval.txt': 'b\n',
    });

    expect(items).toMatchObject([
      { path: 'a.png', partition: 'train', annotations: [{ label: 'dog' }] },
      { path: 'b.png', partition: 'test', annotations: [] },
    ]);
  });

  it.each([
    ['ISO-8859-1', 'latin1'],
    ['windows-1252', 'latin1'],
    ['UTF-16', 'utf16le'],
  ] as const)('are read in the encoding that they declare: %s', async (name, encoding) => {
    const text = `<?xml version="1.0" encoding="${name}"?>${document(named('a.png') + object('Hündin'))}`;
    const mark = encoding === 'utf16le' ? '\uFEFF' : '';

    const { annotations } = await read({ 'Annotations/a.xml': Buffer.from(mark + text, encoding) });

    expect(annotations).toMatchObject([{ label: 'Hündin' }]);
  });

  it('with a size that is not the upright size of the picture are reported', async () => {
    const size = '<size><width>50</width><height>100</height></size>';
    const { losses } = await read(
      { 'Annotations/a.xml': document(named('a.png') + size + object('dog')) },
      { items: { 'a.png': [100, 50] } },
    );

    expect(losses).toEqual(['image width,height approximated 1']);
  });

  it('have the layout around a name taken away', async () => {
    const { annotations } = await read({ 'a.xml': document(named('\n a.png\n') + object('\n  dog\n')) });

    expect(annotations).toMatchObject([{ path: 'a.png', label: 'dog' }]);
  });
});
