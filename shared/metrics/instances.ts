import { type CocoResult, CocoTally } from './coco.ts';
import { type CocoGroup, matchGroup } from './coco-matching.ts';
import { type ItemVerdict, inOrder, type Judgement, ratio } from './evaluation-kind.ts';

/** One thing that is there, or was found. */
export interface Instance<Shape> {
  label: string;
  shape: Shape;
  area: number;
  isCrowd: boolean;
  /** 0..1; 1 for truth. */
  score: number;
}

/** The things of one item. */
export interface ItemInstances<Shape> {
  truths: readonly Instance<Shape>[];
  detections: readonly Instance<Shape>[];
}

export type Counts = { truePositives: number; falsePositives: number; falseNegatives: number };

export interface InstanceResult {
  coco: CocoResult;
  /** At the judgement's IoU and confidence, over all labels. */
  counts: Counts;
  /** Labels in the ontology's order, then the others by name. */
  countsOfLabel: Map<string, Counts>;
}

/** How much a detection lies on a truth, 0..1. */
export type Overlap<Shape> = (detection: Shape, truth: Shape, isCrowd: boolean) => number;

/**
 * Judges boxes and masks alike, an item at a time, and keeps no shape; a detection counts for a truth of exactly its
 * label alone.
 */
export class InstanceTally<Shape> {
  readonly #overlap: Overlap<Shape>;
  readonly #judgement: Judgement;
  readonly #coco = new CocoTally();
  readonly #counts = noCounts();
  readonly #countsOfLabel = new Map<string, Counts>();

  constructor(overlap: Overlap<Shape>, judgement: Judgement) {
    this.#overlap = overlap;
    this.#judgement = judgement;
  }

  add({ truths, detections }: ItemInstances<Shape>): ItemVerdict {
    if (truths.length + detections.length === 0) return NOTHING_THERE;
    const { iou, confidence } = this.#judgement;
    const own = noCounts();
    for (const label of new Set([...truths, ...detections].map((each) => each.label))) {
      const of = (list: readonly Instance<Shape>[]) => list.filter((each) => each.label === label);
      this.#coco.add(label, groupOf(of(truths), of(detections), this.#overlap));
      const sure = of(detections).filter(({ score }) => score >= confidence);
      const found = countsOf(groupOf(of(truths), sure, this.#overlap), iou);
      for (const sum of [own, this.#counts, this.#countsOf(label)]) addCounts(sum, found);
    }
    return { errors: own.falsePositives + own.falseNegatives, ...own };
  }

  result(labels: readonly string[]): InstanceResult {
    const found = inOrder(this.#countsOfLabel.keys(), labels);
    return {
      coco: this.#coco.result(found),
      counts: { ...this.#counts },
      countsOfLabel: new Map(found.map((label) => [label, { ...this.#countsOf(label) }])),
    };
  }

  #countsOf(label: string): Counts {
    const counts = this.#countsOfLabel.get(label) ?? noCounts();
    this.#countsOfLabel.set(label, counts);
    return counts;
  }
}

function noCounts(): Counts {
  return { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
}

/** One for all items without anything, as there may be many. */
const NOTHING_THERE: ItemVerdict = Object.freeze({ errors: 0, ...noCounts() });

/** Precision, recall and F1 of counts, 0 where nothing was found or nothing is there. */
export function scoresOfCounts({ truePositives, falsePositives, falseNegatives }: Counts) {
  return {
    precision: ratio(truePositives, truePositives + falsePositives),
    recall: ratio(truePositives, truePositives + falseNegatives),
    f1: ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  };
}

function groupOf<Shape>(
  truths: readonly Instance<Shape>[],
  detections: readonly Instance<Shape>[],
  overlap: Overlap<Shape>,
): CocoGroup {
  return {
    truths,
    detections,
    overlap: (detection, truth) =>
      overlap(detections[detection]!.shape, truths[truth]!.shape, truths[truth]!.isCrowd),
  };
}

function countsOf(group: CocoGroup, iou: number): Counts {
  const { matched, ignored, positives } = matchGroup(group, [iou]);
  const counted = matched[0]!.filter((_, place) => !ignored[0]![place]);
  const truePositives = counted.filter((truth) => truth >= 0).length;
  return {
    truePositives,
    falsePositives: counted.length - truePositives,
    falseNegatives: positives - truePositives,
  };
}

function addCounts(sum: Counts, more: Counts): void {
  sum.truePositives += more.truePositives;
  sum.falsePositives += more.falsePositives;
  sum.falseNegatives += more.falseNegatives;
}
