import { describe, expect, it } from 'vitest';
import { isTable } from '../../../shared/formats/csv-reader.ts';
import type { Json } from '../../../shared/json.ts';
import { type Given, readForeign } from './read-foreign.ts';

const read = (text: string | Uint8Array, given: Given = {}, file = 'a.csv') =>
  readForeign('csv', { [file]: text }, given);

const box = (left: number, top: number, right: number, bottom: number): Json => [
  { x: left, y: top, z: 0 },
  { x: right, y: bottom, z: 0 },
];

describe('tables of other tools', () => {
  it.each([
    ['TensorFlow', 'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,50,dog,40,15,60,35\n'],
    ['short corners', 'image_path,x1,y1,x2,y2,class_name\na.png,40,15,60,35,dog\n'],
    ['makesense', 'label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name\ndog,40,15,20,20,a.png\n'],
    ['a point and a size', 'file,label,x,y,width,height\na.png,dog,40,15,20,20\n'],
    ['a centre and a size', 'file,label,x_center,y_center,w,h\na.png,dog,50,25,20,20\n'],
    ['upper case and spaces', 'File Name,Class Name,X Min,Y Min,X Max,Y Max\na.png,dog,40,15,60,35\n'],
    ['semicolons', 'filename;label;xmin;ymin;xmax;ymax\na.png;dog;40,0;15;60;35\n'],
    ['tabulators', 'filename\tlabel\txmin\tymin\txmax\tymax\na.png\tdog\t40\t15\t60\t35\n'],
    ['bars and Windows lines', 'filename|label|xmin|ymin|xmax|ymax\r\na.png|dog|40|15|60|35\r\n'],
    ['a byte order mark', '\uFEFFfilename,label,xmin,ymin,xmax,ymax\na.png,dog,40,15,60,35\n'],
    ['quoted names', '"filename","label","xmin","ymin","xmax","ymax"\n"a.png","dog","40","15","60","35"\n'],
  ])('are read with the columns of %s', async (_, text) => {
    const { annotations, losses } = await read(text);

    expect(isTable(text.replace(/^\uFEFF/, ''))).toBe(true);
    expect(annotations).toMatchObject([
      { path: 'a.png', type: 'box', label: 'dog', coordinates: box(40, 15, 60, 35) },
    ]);
    expect(losses).toEqual([]);
  });

  it.each(['utf16le', 'utf16be'] as const)('are read in %s with a byte order mark', async (encoding) => {
    const bytes = Buffer.from('\uFEFFfilename,label\nä.png,Hündin\n', 'utf16le');
    const text = encoding === 'utf16le' ? bytes : bytes.swap16();

    expect((await read(text)).annotations).toMatchObject([{ path: 'ä.png', label: 'Hündin' }]);
  });

  it('in another encoding are refused with advice, not read with wrong letters', async () => {
    await expect(read(Buffer.from('filename,label\nx.png,H\xfcndin\n', 'latin1'))).rejects.toMatchObject({
      code: 'FormatUnreadable',
      message: expect.stringContaining('save it as UTF-8'),
    });
  });

  it('have inverted boxes turned and counted', async () => {
    const { annotations, losses, report } = await read(
      'filename,label,xmin,ymin,xmax,ymax\na.png,dog,60,35,40,15\n',
    );

    expect(annotations[0]!.coordinates).toEqual(box(40, 15, 60, 35));
    expect(losses).toEqual(['box coordinates.order approximated 1']);
    expect(report[0]!.example).toContain('a.csv row 2');
  });

  it('with fractions of the image are refused: they are not pixels', async () => {
    await expect(
      read('ImagePath,LabelName,XMin,XMax,YMin,YMax\na.png,dog,0.1,0.6,0.2,0.4\n'),
    ).rejects.toMatchObject({ message: expect.stringContaining('row 2 has corners between 0 and 1') });
  });

  it('name images without annotations, and a box without a label is counted as lost', async () => {
    const { items, losses } = await read(
      'filename,label,xmin,ymin,xmax,ymax\na.png,,,,,\nb.png,,1,2,3,4\nc.png,cat,1,2,3,4\n',
    );

    expect(items.map(({ path, annotations }) => [path, annotations.length])).toEqual([
      ['a.png', 0],
      ['b.png', 0],
      ['c.png', 1],
    ]);
    expect(losses).toEqual(['box * dropped 1']);
  });

  it('name partitions, and one that is unknown is counted', async () => {
    const { items, losses } = await read(
      'filename,label,split\na.png,x,train\nb.png,x,valid\nc.png,x,later\n',
    );

    expect(items.map(({ partition }) => partition)).toEqual(['train', 'validation', undefined]);
    expect(losses).toEqual(['image partition dropped 1']);
  });

  it('with another size than that of the picture are reported', async () => {
    const { losses } = await read(
      'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,1000,500,dog,400,150,600,350\n',
      { items: { 'a.png': [100, 50] } },
    );

    expect(losses).toEqual(['image width,height approximated 1']);
  });

  it.each([
    ['a.png,10,20,30,40,dog\n', 'It looks like data: add a header'],
    ['label,price\ndog,7\n', 'no column for the filename'],
    ['filename,image,label\na.png,b.png,dog\n', 'two columns for the same: "filename" and "image"'],
  ])('without a usable header are refused with advice: %j', async (text, advice) => {
    await expect(read(text)).rejects.toMatchObject({ message: expect.stringContaining(advice) });
  });
});
