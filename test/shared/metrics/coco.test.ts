import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countsOf, textOfCounts } from '../../../shared/masks/coco-rle.ts';
import { areaOf, maskOfPixels, type RunMask, sharedArea } from '../../../shared/masks/run-mask.ts';
import { boxArea, boxOverlap } from '../../../shared/metrics/box-overlap.ts';
import { COCO_STATS, type CocoResult, CocoTally } from '../../../shared/metrics/coco.ts';
import type { CocoGroup } from '../../../shared/metrics/coco-matching.ts';
import { cocoStats, pythonWithCoco } from '../../support/pycocotools.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';

interface CocoFile {
  images: { id: number }[];
  categories: { id: number; name: string }[];
  annotations: CocoAnnotation[];
}
interface CocoAnnotation {
  image_id: number;
  category_id: number;
  bbox: [number, number, number, number];
  area: number;
  iscrowd?: number;
  score?: number;
}

const FIXTURES = new URL('../../fixtures/detect/', import.meta.url);
const read = <T>(name: string) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')) as T;

describe('CocoTally', () => {
  it("has pycocotools' twelve numbers of the reference scenes, and AP by class", () => {
    const truth = read<CocoFile>('gt.coco.json');
    const { stats, AP_per_class } = read<{ stats: Record<string, number>; AP_per_class: number[] }>(
      'coco-stats.json',
    );

    const found = evaluateCoco(boxGroups(truth, read<CocoAnnotation[]>('dt.coco.json')));

    for (const name of COCO_STATS) expect(found.stats[name], name).toBeCloseTo(stats[name]!, 9);
    for (const [index, { name }] of truth.categories.entries())
      expect(found.perLabel.get(name)!.AP).toBeCloseTo(AP_per_class[index]!, 9);
  });

  it('says -1, as COCO does, where there is nothing to find', () => {
    const alone: CocoGroup = {
      truths: [],
      detections: [{ area: 4, score: 0.9 }],
      overlap: () => 0,
    };

    for (const groups of [new Map(), new Map([['a', []]]), new Map([['a', [alone]]])])
      expect(Object.values(evaluateCoco(groups).stats)).toEqual(Array(12).fill(-1));
  });

  it('says 0 where something is there and nothing was found', () => {
    const missed: CocoGroup = {
      truths: [{ area: 100, isCrowd: false }],
      detections: [],
      overlap: () => 0,
    };

    const { stats, perLabel } = evaluateCoco(new Map([['a', [missed]]]));

    expect(stats).toMatchObject({ AP: 0, AP50: 0, APs: 0, APm: -1, APl: -1, AR1: 0, ARs: 0, ARl: -1 });
    expect(perLabel.get('a')).toMatchObject({ AP: 0, AR: 0 });
    expect(perLabel.get('a')!.curve).toHaveLength(101);
  });

  it('gives a detection to a truth that counts, though one that does not overlaps it more', () => {
    const group: CocoGroup = {
      truths: [
        { area: 5_000, isCrowd: true },
        { area: 100, isCrowd: false },
      ],
      detections: [{ area: 100, score: 0.9 }],
      overlap: (_detection, truth) => (truth === 0 ? 0.99 : 0.97),
    };

    expect(evaluateCoco(new Map([['a', [group]]])).stats).toMatchObject({ AP: 1, AR100: 1 });
  });

  it('counts a crowd neither as missed nor as wrong, however often it is found', () => {
    const crowd: CocoGroup = {
      truths: [
        { area: 100, isCrowd: false },
        { area: 5_000, isCrowd: true },
      ],
      detections: [
        { area: 100, score: 0.9 },
        { area: 90, score: 0.95 },
        { area: 80, score: 0.99 },
      ],
      overlap: (detection, truth) => (truth === (detection === 0 ? 0 : 1) ? 1 : 0),
    };

    expect(evaluateCoco(new Map([['a', [crowd]]])).stats.AP).toBeCloseTo(1, 12);
  });

  const python = pythonWithCoco();
  const missing = 'no Python with pycocotools: name one in TEST_PYCOCOTOOLS';

  it('agrees with pycocotools on random boxes with crowds and equal scores', ({ skip }) => {
    if (python === undefined) skip(missing);
    for (let round = 0; round < 4; round += 1) {
      const { truth, results } = randomScenes(seeded());

      const { stats } = evaluateCoco(boxGroups(truth, results));

      const expected = cocoStats(python!, withIds(truth), results, 'bbox');
      for (const [index, name] of COCO_STATS.entries())
        expect(Math.abs(stats[name] - expected[index]!), name).toBeLessThan(1e-9);
    }
  });

  it('agrees with pycocotools on random masks', ({ skip }) => {
    if (python === undefined) skip(missing);
    const random = seeded();
    const truth = { ...randomScenes(random, 20).truth, annotations: [] as object[] };
    const results: object[] = [];
    const groups = new Map<string, CocoGroup[]>(truth.categories.map(({ name }) => [name, []]));
    for (const { id } of truth.images)
      for (const category of truth.categories) {
        const [truths, found] = [randomMasks(random), randomMasks(random)];
        const isCrowd = truths.map(() => random() < 0.2);
        const scores = found.map(() => Math.round(random() * 10) / 10);
        const base = { image_id: id, category_id: category.id };
        for (const [at, mask] of truths.entries())
          truth.annotations.push({
            ...base,
            id: truth.annotations.length + 1,
            iscrowd: Number(isCrowd[at]),
            area: areaOf(mask),
            bbox: [0, 0, 1, 1],
            segmentation: rleOf(mask),
          });
        for (const [at, mask] of found.entries())
          results.push({ ...base, score: scores[at], segmentation: rleOf(mask) });
        groups.get(category.name)!.push(maskGroup(truths, isCrowd, found, scores));
      }

    const { stats } = evaluateCoco(groups);

    const expected = cocoStats(python!, truth, results, 'segm');
    for (const [index, name] of COCO_STATS.entries())
      expect(Math.abs(stats[name] - expected[index]!), name).toBeLessThan(1e-9);
  });
});

function evaluateCoco(groups: ReadonlyMap<string, readonly CocoGroup[]>): CocoResult {
  const tally = new CocoTally();
  for (const [label, own] of groups) for (const group of own) tally.add(label, group);
  return tally.result(groups.keys());
}

function seeded(): () => number {
  const seed = freshSeed() + Math.floor(performance.now());
  console.log(`seed ${seed}`);
  return seededRandom(seed);
}

function boxGroups(truth: CocoFile, results: readonly CocoAnnotation[]): Map<string, CocoGroup[]> {
  return new Map(
    truth.categories.map(({ id, name }) => [
      name,
      truth.images.map((image): CocoGroup => {
        const of = (list: readonly CocoAnnotation[]) =>
          list.filter((each) => each.image_id === image.id && each.category_id === id);
        const [truths, detections] = [of(truth.annotations), of(results)];
        return {
          truths: truths.map(({ area, iscrowd }) => ({ area, isCrowd: iscrowd === 1 })),
          detections: detections.map((each) => ({ area: boxArea(cornersOf(each)), score: each.score! })),
          overlap: (detection, at) =>
            boxOverlap(cornersOf(detections[detection]!), cornersOf(truths[at]!), truths[at]!.iscrowd === 1),
        };
      }),
    ]),
  );
}

function cornersOf({ bbox: [left, top, width, height] }: CocoAnnotation) {
  return { left, top, right: left + width, bottom: top + height };
}

/** Sizes are whole numbers, so that a corner is exactly left plus width. */
function randomScenes(random: () => number, count = 60): { truth: CocoFile; results: CocoAnnotation[] } {
  const whole = (most: number) => Math.floor(random() * most);
  const truth: CocoFile = {
    images: Array.from({ length: count }, (_, id) => ({ id, width: 400, height: 400 })),
    categories: ['a', 'b', 'c', 'd'].map((name, id) => ({ id: id + 1, name })),
    annotations: [],
  };
  const results: CocoAnnotation[] = [];
  for (const { id: image_id } of truth.images)
    for (let at = whole(8); at > 0; at -= 1) {
      const [width, height] = [4 + whole(random() < 0.5 ? 40 : 200), 4 + whole(random() < 0.5 ? 40 : 200)];
      const [left, top] = [whole(200), whole(200)];
      const category_id = 1 + whole(3);
      const bbox: CocoAnnotation['bbox'] = [left, top, width, height];
      const iscrowd = Number(random() < 0.15);
      if (random() < 0.9)
        truth.annotations.push({ image_id, category_id, bbox, area: width * height, iscrowd });
      for (let twice = whole(4); twice > 0; twice -= 1) {
        const near: CocoAnnotation['bbox'] = [
          left + whole(9) - 4,
          top + whole(9) - 4,
          width + whole(5),
          height + whole(5),
        ];
        const score = Math.round(random() * 20) / 20;
        results.push({
          image_id,
          category_id: random() < 0.9 ? category_id : 4,
          bbox: near,
          area: near[2] * near[3],
          score,
        });
      }
    }
  return { truth, results };
}

function withIds(truth: CocoFile): object {
  return { ...truth, annotations: truth.annotations.map((each, index) => ({ ...each, id: index + 1 })) };
}

const SIDE = 40;

function randomMasks(random: () => number): RunMask[] {
  return Array.from({ length: Math.floor(random() * 4) }, () => {
    const pixels = new Uint8Array(SIDE * SIDE);
    const [left, top, size] = [random() * 20, random() * 20, 4 + random() * 16];
    for (let y = 0; y < SIDE; y += 1)
      for (let x = 0; x < SIDE; x += 1)
        if (x >= left && x < left + size && y >= top && y < top + size && random() < 0.9)
          pixels[y * SIDE + x] = 1;
    return maskOfPixels(pixels, SIDE, SIDE);
  });
}

function rleOf(mask: RunMask): object {
  return { size: [mask.height, mask.width], counts: textOfCounts(countsOf(mask)) };
}

function maskGroup(
  truths: RunMask[],
  isCrowd: boolean[],
  found: RunMask[],
  scores: (number | undefined)[],
): CocoGroup {
  return {
    truths: truths.map((mask, at) => ({ area: areaOf(mask), isCrowd: isCrowd[at]! })),
    detections: found.map((mask, at) => ({ area: areaOf(mask), score: scores[at]! })),
    overlap: (detection, truth) => {
      const [a, b] = [found[detection]!, truths[truth]!];
      const shared = sharedArea(a, b);
      return shared === 0 ? 0 : shared / (isCrowd[truth] ? areaOf(a) : areaOf(a) + areaOf(b) - shared);
    },
  };
}
