import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import { isCrowd } from '../annotations/crowd.ts';
import { readRings, rectangleAround } from '../annotations/shapes.ts';
import { systemMetadata } from '../entities/item.ts';
import type { Json } from '../json.ts';
import { boundaryOf, grown } from '../masks/boundary.ts';
import { maskOfBinary } from '../masks/png-mask.ts';
import { type Corner, polygonMask } from '../masks/polygon-mask.ts';
import {
  areaOf,
  isMaskSize,
  pixelsOf,
  type RunMask,
  reframed,
  sharedArea,
  unionOf,
} from '../masks/run-mask.ts';
import { curvesOf } from './curves.ts';
import {
  defined,
  type ItemVerdict,
  inOrder,
  type Judgement,
  type KindEvaluation,
  type KindJudge,
} from './evaluation-kind.ts';
import { type Instance, InstanceTally, type ItemInstances, scoresOfCounts } from './instances.ts';

/** Width of the border strip as a part of the frame's diagonal (Cheng et al. 2021). */
const STRIP = 0.02;

/** Pixels of one label over all items. */
interface Sums {
  shared: number;
  either: number;
  boundaryShared: number;
  boundaryEither: number;
  /** Border pixels that were found near a true one, and all found; true ones near a found one, and all true. */
  foundNear: number;
  found: number;
  trueNear: number;
  isTrue: number;
}

/**
 * Areas of pixels: `segment` (drawn by the rule of `shared/masks/polygon-mask.ts`) and `binary`, as one kind.
 *
 * - `meanIoU`: intersection over union of a label's pixels, summed over all items, predictions of the judgement's
 *   confidence alone; the mean over labels that are there or were found.
 * - `boundaryIoU`: the same of the strip along the border, 2 % of the frame's diagonal wide, at least a pixel
 *   (Cheng et al. 2021).
 * - `boundaryF`: F1 of border pixels, right when one of the other side is within that distance in x and y.
 * - `maskAP`, `maskAP50`...: COCO's numbers with the overlap of masks.
 *
 * An item's frame is its `metadata.system.width/height`; without, the smallest that holds all its areas, and the item is counted
 * as `withoutSize`, since its boundary metrics depend on the frame. A frame too
 * large, or coordinates that cannot be read, are left out and counted as `unreadable`. Without any pixel there are no such metrics.
 */
export class MaskJudge implements KindJudge {
  readonly #labels: readonly string[];
  readonly #judgement: Judgement;
  readonly #tally: InstanceTally<RunMask>;
  readonly #sums = new Map<string, Sums>();
  #unreadable = 0;
  #withoutSize = 0;

  constructor(labels: readonly string[], judgement: Judgement) {
    this.#labels = labels;
    this.#judgement = judgement;
    this.#tally = new InstanceTally(maskOverlap, judgement);
  }

  judges(type: string): boolean {
    return type === 'segment' || type === 'binary';
  }

  add(pair: EvaluationPair): ItemVerdict {
    const masks = this.#masksOf(pair);
    addPixels(this.#sums, masks, this.#judgement.confidence);
    return this.#tally.add(masks);
  }

  result(): KindEvaluation {
    const { coco, counts, countsOfLabel } = this.#tally.result(this.#labels);
    const perLabel = Object.fromEntries(
      inOrder([...this.#sums.keys(), ...coco.perLabel.keys()], this.#labels).map(
        (label): [string, Record<string, number>] => {
          const { AP = -1, AP50 = -1, AP75 = -1 } = coco.perLabel.get(label) ?? {};
          const numbers = {
            ...pixelScores(this.#sums.get(label)),
            maskAP: AP,
            maskAP50: AP50,
            maskAP75: AP75,
          };
          return [label, { ...defined(numbers), ...countsOfLabel.get(label) }];
        },
      ),
    );
    const mean = (name: string) => {
      const found = Object.values(perLabel).flatMap((each) => each[name] ?? []);
      return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0) / found.length;
    };
    const maskStats = Object.fromEntries(
      Object.entries(coco.stats).map(([name, value]) => [`mask${name}`, value]),
    );
    const { precision, recall, f1 } = scoresOfCounts(counts);
    return {
      metrics: defined({
        meanIoU: mean('iou'),
        boundaryIoU: mean('boundaryIoU'),
        boundaryF: mean('boundaryF'),
        ...maskStats,
        maskPrecision: precision,
        maskRecall: recall,
        maskF1: f1,
      }),
      perLabel,
      details: {
        stats: { ...coco.stats },
        at: { ...this.#judgement, ...counts },
        curves: curvesOf(coco.perLabel),
        unreadable: this.#unreadable,
        withoutSize: this.#withoutSize,
      },
    };
  }

  #masksOf({ item, groundTruth, predictions }: EvaluationPair): ItemInstances<RunMask> {
    const truths = this.#areasOf(groundTruth, (at) => ({ isCrowd: isCrowd(groundTruth[at]!), score: 1 }));
    const found = this.#areasOf(predictions, (at) => ({
      isCrowd: false,
      score: predictions[at]!.confidence,
    }));
    const known = sizeOf(item);
    if (known === undefined && truths.length + found.length > 0) this.#withoutSize += 1;
    const { width, height } = known ?? frameAround([...truths, ...found]);
    if (!isMaskSize(width, height)) {
      this.#unreadable += truths.length + found.length;
      return { truths: [], detections: [] };
    }
    const instance = ({ form, ...rest }: Area): Instance<RunMask> => {
      const shape = 'runs' in form ? reframed(form, width, height) : polygonMask(form, width, height);
      return { ...rest, shape, area: areaOf(shape) };
    };
    return { truths: truths.map(instance), detections: found.map(instance) };
  }

  #areasOf(
    list: readonly { type: string; label: string; coordinates?: Json | undefined }[],
    describe: (index: number) => { isCrowd: boolean; score: number },
  ): Area[] {
    return list.flatMap(({ type, label, coordinates }, index) => {
      if (!this.judges(type)) return [];
      const form = type === 'segment' ? readRings(coordinates) : maskOfBinary(coordinates);
      if (form !== undefined) return [{ label, form, ...describe(index) }];
      this.#unreadable += 1;
      return [];
    });
  }
}

function maskOverlap(detection: RunMask, truth: RunMask, isCrowdTruth: boolean): number {
  const shared = sharedArea(detection, truth);
  if (shared === 0) return 0;
  return shared / (isCrowdTruth ? areaOf(detection) : areaOf(detection) + areaOf(truth) - shared);
}

/** An area as it was read, before its frame is known. */
interface Area {
  label: string;
  form: readonly (readonly Corner[])[] | RunMask;
  isCrowd: boolean;
  score: number;
}

interface Frame {
  width: number;
  height: number;
}

function sizeOf(item: EvaluationPair['item']): Frame | undefined {
  const { width, height } = systemMetadata(item);
  return typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
}

function frameAround(areas: readonly Area[]): Frame {
  const frame = { width: 1, height: 1 };
  for (const { form } of areas) {
    const far = 'runs' in form ? { right: form.width, bottom: form.height } : rectangleAround(form.flat());
    frame.width = Math.max(frame.width, Math.ceil(far.right));
    frame.height = Math.max(frame.height, Math.ceil(far.bottom));
  }
  return frame;
}

function addPixels(
  sums: Map<string, Sums>,
  { truths, detections }: ItemInstances<RunMask>,
  confidence: number,
): void {
  const counted = truths.filter((each) => !each.isCrowd);
  const sure = detections.filter(({ score }) => score >= confidence);
  for (const label of new Set([...counted, ...sure].map((each) => each.label))) {
    const of = (list: readonly Instance<RunMask>[]) =>
      list.filter((each) => each.label === label).map(({ shape }) => shape);
    const { width, height } = [...counted, ...sure][0]!.shape;
    const [truth, found] = [unionOf(of(counted), width, height), unionOf(of(sure), width, height)];
    const sum = sums.get(label) ?? emptySums();
    sums.set(label, sum);
    const shared = sharedArea(truth, found);
    sum.shared += shared;
    sum.either += areaOf(truth) + areaOf(found) - shared;
    addBoundaries(sum, pixelsOf(truth), pixelsOf(found), width, height);
  }
}

function addBoundaries(sum: Sums, truth: Uint8Array, found: Uint8Array, width: number, height: number): void {
  const strip = Math.max(1, Math.round(STRIP * Math.hypot(width, height)));
  const [trueStrip, foundStrip] = [truth, found].map((pixels) => boundaryOf(pixels, width, height, strip));
  const [trueLine, foundLine] = [truth, found].map((pixels) => boundaryOf(pixels, width, height, 1));
  const trueNear = grown(trueLine!, width, height, strip);
  const foundNear = grown(foundLine!, width, height, strip);
  for (let at = 0; at < truth.length; at += 1) {
    sum.boundaryShared += trueStrip![at]! & foundStrip![at]!;
    sum.boundaryEither += trueStrip![at]! | foundStrip![at]!;
    sum.found += foundLine![at]!;
    sum.foundNear += foundLine![at]! & trueNear[at]!;
    sum.isTrue += trueLine![at]!;
    sum.trueNear += trueLine![at]! & foundNear[at]!;
  }
}

function emptySums(): Sums {
  return {
    shared: 0,
    either: 0,
    boundaryShared: 0,
    boundaryEither: 0,
    foundNear: 0,
    found: 0,
    trueNear: 0,
    isTrue: 0,
  };
}

/** Null where there is no pixel to measure. */
function pixelScores(sums: Sums = emptySums()): Record<string, number | null> {
  const part = (some: number, whole: number) => (whole === 0 ? null : some / whole);
  const precision = part(sums.foundNear, sums.found) ?? 0;
  const recall = part(sums.trueNear, sums.isTrue) ?? 0;
  return {
    iou: part(sums.shared, sums.either),
    boundaryIoU: part(sums.boundaryShared, sums.boundaryEither),
    boundaryF:
      sums.found + sums.isTrue === 0
        ? null
        : precision + recall === 0
          ? 0
          : (2 * precision * recall) / (precision + recall),
  };
}
