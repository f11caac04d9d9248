import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FormatItem } from '../../../shared/formats/format.ts';
import { LossReport } from '../../../shared/formats/loss-report.ts';
import { openFormat } from '../../../shared/formats/registry.ts';
import { memoryFiles, sourceOf } from './memory-files.ts';

const FIXTURES = new URL('../../fixtures/detect/', import.meta.url);

interface Coco {
  images: { id: number; file_name?: string }[];
  categories: { id: number; name: string }[];
  annotations: { image_id: number; category_id: number; bbox: number[]; area: number; iscrowd: number }[];
}
const truth = JSON.parse(readFileSync(new URL('gt.coco.json', FIXTURES), 'utf8')) as Coco;
const labels = truth.categories.map(({ name }) => name);
const nameOf = (id: number) => String(id).padStart(3, '0');

const items: FormatItem[] = truth.images.map(({ id }) => ({
  path: `${nameOf(id)}.png`,
  width: 128,
  height: 128,
  annotations: truth.annotations
    .filter(({ image_id }) => image_id === id)
    .map(({ bbox: [left, top, width, height], category_id }) => ({
      type: 'box',
      label: labels[category_id]!,
      attributes: [],
      coordinates: [
        { x: left!, y: top!, z: 0 },
        { x: left! + width!, y: top! + height!, z: 0 },
      ],
      metadata: { system: {} },
    })),
}));

describe('the reference scenes', () => {
  it('are written as the COCO file they came in, but for ids', async () => {
    const files = memoryFiles();
    await (await openFormat('coco')).write(sourceOf({ test: items }, labels), files, new LossReport());

    const written = JSON.parse(files.texts.get('annotations/instances_test.json')!) as Coco;

    const plain = ({ images, categories, annotations }: Coco, isOurs: boolean) =>
      annotations.map(({ image_id, category_id, bbox, area, iscrowd }) => ({
        image: isOurs ? images.find(({ id }) => id === image_id)!.file_name : `${nameOf(image_id)}.png`,
        category: categories.find(({ id }) => id === category_id)!.name,
        bbox,
        area,
        iscrowd,
      }));
    expect(plain(written, true)).toEqual(plain(truth, false));
    expect(written.categories.map(({ name }) => name)).toEqual(labels);
  });

  it('are written as the YOLO files they came in, to the six digits that those have', async () => {
    const files = memoryFiles();
    await (await openFormat('yolo')).write(sourceOf({ test: items }, labels), files, new LossReport());

    expect(files.texts.get('classes.txt')).toBe('trouser\nbag\nankle-boot\n');
    for (const { path } of items) {
      const name = path.replace('.png', '.txt');
      const numbers = (text: string) =>
        text
          .trim()
          .split('\n')
          .map((line) => line.split(' ').map(Number));
      const [ours, theirs] = [
        files.texts.get(`labels/${name}`)!,
        readFileSync(new URL(`labels/${name}`, FIXTURES), 'utf8'),
      ].map(numbers);
      expect(ours!.length).toBe(theirs!.length);
      for (const [row, line] of theirs!.entries())
        for (const [column, value] of line.entries())
          expect(Math.abs(ours![row]![column]! - value), `${name}:${row}`).toBeLessThanOrEqual(5.01e-7);
    }
  });

  it('are read from the YOLO files they came in, to a part of a pixel', async () => {
    const texts = Object.fromEntries(
      items.map(({ path }) => {
        const name = path.replace('.png', '.txt');
        return [`labels/${name}`, readFileSync(new URL(`labels/${name}`, FIXTURES), 'utf8')];
      }),
    );
    const files = memoryFiles({ ...texts, 'classes.txt': labels.join('\n') });
    const losses = new LossReport();
    const findPath = async (name: string) => items.find(({ path }) => path === name);
    const findStem = (stem: string) => findPath(`${stem}.png`);

    const read = await Array.fromAsync(
      (await openFormat('yolo')).read(files, { losses, findStem, findPath }),
    );

    expect(losses.isEmpty).toBe(true);
    expect(read.map(({ path }) => path)).toEqual(items.map(({ path }) => path));
    for (const [index, { annotations }] of read.entries())
      for (const [at, { coordinates }] of annotations.entries())
        for (const [corner, { x, y }] of (coordinates as { x: number; y: number }[]).entries()) {
          const expected = items[index]!.annotations[at]!.coordinates as { x: number; y: number }[];
          expect(Math.abs(x - expected[corner]!.x)).toBeLessThan(2e-4);
          expect(Math.abs(y - expected[corner]!.y)).toBeLessThan(2e-4);
        }
  });
});
