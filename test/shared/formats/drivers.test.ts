import { describe, expect, it } from 'vitest';
import { FORMAT_NAMES, openFormat } from '../../../shared/formats/registry.ts';
import { formatContract } from '../../contracts/format.contract.ts';

const OUT = '../../outside.png';

formatContract('coco', () => openFormat('coco'), {
  'annotations/a.json': JSON.stringify({
    images: [{ id: 1, file_name: OUT }],
    annotations: [],
    categories: [],
  }),
});
formatContract('yolo', () => openFormat('yolo'), {
  'classes.txt': 'cat\n',
  'labels/../../outside.txt': '0 1 1 1 1\n',
});
formatContract('voc', () => openFormat('voc'), {
  'Annotations/a.xml': `<annotation><filename>${OUT}</filename></annotation>`,
});
formatContract('csv', () => openFormat('csv'), { 'a.csv': `filename,label\n${OUT},cat\n` });
formatContract('dataloop', () => openFormat('dataloop'), {
  'json/a.json': JSON.stringify({ filename: OUT, annotations: [] }),
});

describe('the registry of formats', () => {
  it('names what there is when asked for something else', async () => {
    for (const name of ['labelme', 'constructor', ''])
      await expect(openFormat(name)).rejects.toMatchObject({
        code: 'FormatMissing',
        details: { known: [...FORMAT_NAMES] },
      });
  });
});
