import { describe, expect, it } from 'vitest';
import type { EvaluationPair, Prediction } from '../../../adapters/model-adapter.ts';
import { classLabelOf } from '../../../shared/annotations/predictions.ts';
import type { Annotation } from '../../../shared/entities/annotation.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { binaryOfMask } from '../../../shared/masks/png-mask.ts';
import { maskOfPixels } from '../../../shared/masks/run-mask.ts';
import { Calibration } from '../../../shared/metrics/calibration.ts';
import { evaluatePairs } from '../../../shared/metrics/evaluate-pairs.ts';
import { annotation, item } from '../store/sample-entities.ts';

const box = (left: number, top: number, right: number, bottom: number): Json => [
  { x: left, y: top, z: 0 },
  { x: right, y: bottom, z: 0 },
];
const square = (left: number, top: number, side: number): Json => [
  [
    { x: left, y: top },
    { x: left + side, y: top },
    { x: left + side, y: top + side },
    { x: left, y: top + side },
  ],
];

describe('evaluatePairs', () => {
  it('judges boxes: counts at the given overlap and confidence, by label and by item', async () => {
    const pairs = [
      pairOf(
        'one',
        [truth('box', 'cat', box(0, 0, 10, 10)), truth('box', 'dog', box(20, 20, 30, 30))],
        [
          said('box', 'cat', 0.9, box(0, 0, 10, 10)),
          said('box', 'cat', 0.8, box(20, 20, 30, 30)),
          said('box', 'dog', 0.3, box(20, 20, 30, 30)),
        ],
      ),
      pairOf('two', [], []),
    ];

    const { metrics, perLabel, details, perItem } = await evaluatePairs(pairs, ['dog', 'cat']);

    expect(metrics).toMatchObject({ AP: 1, AP50: 1, AR100: 1, precision: 0.5, recall: 0.5, f1: 0.5 });
    expect(metrics).not.toHaveProperty('APl');
    expect(perLabel).toMatchObject({
      cat: { AP: 1, truePositives: 1, falsePositives: 1, falseNegatives: 0 },
      dog: { AP: 1, truePositives: 0, falsePositives: 0, falseNegatives: 1 },
    });
    expect(Object.keys(perLabel)).toEqual(['dog', 'cat']);
    expect(details).toMatchObject({
      box: { stats: { APl: -1 }, at: { iou: 0.5, confidence: 0.5 }, unreadable: 0 },
    });
    expect(perItem).toEqual([
      expect.objectContaining({
        filename: '/one',
        errors: 2,
        kinds: { box: { errors: 2, truePositives: 1, falsePositives: 1, falseNegatives: 1 } },
      }),
      expect.objectContaining({ filename: '/two', errors: 0 }),
    ]);
  });

  it('takes a turned box for the rectangle around it', async () => {
    const turned = [...(box(0, 0, 10, 2) as Json[]), 90];
    const pairs = [pairOf('one', [truth('box', 'cat', turned)], [said('box', 'cat', 1, box(4, -4, 6, 6))])];

    expect((await evaluatePairs(pairs, ['cat'])).metrics.AP).toBeCloseTo(1, 9);
  });

  it('judges areas of pixels, drawn and painted alike', async () => {
    const painted = new Uint8Array(64).map((_, at) => Number(at % 8 < 4 && at < 32));
    const pairs = [
      pairOf(
        'one',
        [truth('segment', 'cat', square(0, 0, 4))],
        [said('binary', 'cat', 0.9, binaryOfMask(maskOfPixels(painted, 8, 8)))],
        { width: 8, height: 8 },
      ),
      pairOf(
        'two',
        [truth('segment', 'dog', square(0, 0, 4))],
        [said('segment', 'dog', 0.9, square(2, 0, 4))],
        {
          width: 8,
          height: 8,
        },
      ),
    ];

    const { metrics, perLabel } = await evaluatePairs(pairs, ['cat', 'dog']);

    expect(perLabel.cat).toMatchObject({ iou: 1, boundaryIoU: 1, boundaryF: 1, maskAP: 1 });
    expect(perLabel.dog!.iou).toBeCloseTo(8 / 24, 12);
    expect(perLabel.dog).toMatchObject({ maskAP: 0, falsePositives: 1, falseNegatives: 1 });
    expect(metrics.meanIoU).toBeCloseTo((1 + 1 / 3) / 2, 12);
    expect(metrics.maskAP).toBeCloseTo(0.5, 12);
  });

  it('counts labels that are named like parts of every object', async () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const pairs = names.map((name, index) =>
      pairOf(name, [truth('class', name)], [said('class', names[(index + 1) % 3]!, 0.9)]),
    );

    const { metrics, perLabel, details } = await evaluatePairs(pairs, names);

    expect(metrics).toMatchObject({ accuracy: 0, items: 3 });
    expect(Object.keys(perLabel)).toEqual(names);
    const told = JSON.parse(JSON.stringify(details!.confusion)) as Record<string, Record<string, number>>;
    expect(Object.entries(told).map(([label, row]) => [label, Object.entries(row)])).toEqual([
      ['__proto__', [['constructor', 1]]],
      ['constructor', [['toString', 1]]],
      ['toString', [['__proto__', 1]]],
    ]);
  });

  it('judges each kind that occurs, and tells numbers of one name apart', async () => {
    const pairs = [
      pairOf(
        'one',
        [truth('class', 'cat'), truth('box', 'cat', box(0, 0, 2, 2))],
        [said('class', 'cat', 0.8)],
      ),
    ];

    const { metrics, details, perItem } = await evaluatePairs(pairs, ['cat']);

    expect(metrics).toMatchObject({ accuracy: 1, precision: 1, 'box.precision': 0, AP: 0 });
    expect(details).toMatchObject({ confusion: { cat: { cat: 1 } }, box: { stats: { AP: 0 } } });
    expect(perItem![0]).toMatchObject({ errors: 1, kinds: { class: { errors: 0 }, box: { errors: 1 } } });
  });

  it('compares labels letter by letter', async () => {
    const pairs = [
      pairOf('one', [truth('box', 'Cat', box(0, 0, 2, 2))], [said('box', 'cat', 1, box(0, 0, 2, 2))]),
    ];

    expect((await evaluatePairs(pairs, ['cat'])).metrics).toMatchObject({ AP: 0, recall: 0 });
  });

  it('leaves out what it cannot read, and says how much', async () => {
    const broken: Json[] = [
      'x',
      [],
      [{ x: 1 }],
      [
        { x: 1, y: null },
        { x: 2, y: 2 },
      ],
    ];
    const pairs = [
      pairOf(
        'one',
        [],
        [...broken.map((each) => said('box', 'cat', 1, each)), said('segment', 'cat', 1, 'x')],
      ),
    ];

    expect((await evaluatePairs(pairs, ['cat'])).details).toMatchObject({
      box: { unreadable: 4 },
      mask: { unreadable: 1 },
    });
  });

  it('counts items with areas whose width and height are unknown', async () => {
    const ring = [
      [
        { x: 0, y: 0 },
        { x: 4, y: 0 },
        { x: 4, y: 4 },
      ],
    ];
    const pair = pairOf('one', [truth('segment', 'cat', ring)], [said('segment', 'cat', 1, ring)]);
    const sized = { ...pair, item: { ...pair.item, metadata: { system: { width: 8, height: 8 } } } };
    const unsized = { ...pair, item: { ...pair.item, metadata: { system: {} } } };

    expect((await evaluatePairs([unsized, sized], ['cat'])).details).toMatchObject({
      mask: { withoutSize: 1 },
    });
    expect((await evaluatePairs([sized], ['cat'])).details).toMatchObject({ mask: { withoutSize: 0 } });
  });

  it('has a number for everything it answers, also when there is nothing', async () => {
    const nothings = [
      [],
      [pairOf('one', [], [])],
      [pairOf('one', [truth('class', 'cat')], [])],
      [pairOf('one', [truth('box', 'cat', box(1, 1, 1, 1))], [])],
      [pairOf('one', [], [said('segment', 'cat', 0.1, square(0, 0, 0))])],
      [pairOf('one', [truth('segment', 'cat', square(50, 50, 1))], [], { width: 4, height: 4 })],
    ];

    for (const pairs of nothings) {
      const answer = JSON.parse(JSON.stringify(await evaluatePairs(pairs, ['cat']), finite)) as JsonObject;
      expect(answer).toHaveProperty('metrics');
    }
  });
});

describe('Calibration', () => {
  it('weighs the gap between confidence and accuracy by bins', () => {
    const predictions = [
      { confidence: 0.95, isRight: true },
      { confidence: 0.95, isRight: false },
      { confidence: 0.1, isRight: false },
      { confidence: 0, isRight: false },
    ];

    const calibration = new Calibration();
    for (const { confidence, isRight } of predictions) calibration.add(confidence, isRight);

    const { error, bins } = calibration.result();

    expect(error).toBeCloseTo((2 * 0.45 + 2 * 0.05) / 4, 12);
    expect(bins[0]).toMatchObject({ from: 0, to: 0.1, count: 2, accuracy: 0 });
    expect(bins[9]).toMatchObject({ count: 2, accuracy: 0.5 });
  });

  it('has no error without predictions', () => {
    expect(new Calibration().result().error).toBeNull();
  });
});

function finite(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} in the answer`);
  return value;
}

function truth(type: string, label: string, coordinates?: Json): Annotation {
  return annotation('a1', 'i1', { type, label, ...(coordinates !== undefined && { coordinates }) });
}

function said(type: string, label: string, confidence: number, coordinates?: Json): Prediction {
  return { type, label, confidence, ...(coordinates !== undefined && { coordinates }) };
}

function pairOf(
  name: string,
  groundTruth: Annotation[],
  predictions: Prediction[],
  size: { width?: number; height?: number } = {},
): EvaluationPair {
  const own = item(name, { filename: `/${name}`, metadata: { system: { ...size } } });
  return { item: own, groundTruth, label: classLabelOf(groundTruth), predictions };
}
