import { type CocoGroup, type CocoResult, evaluateCoco, matchGroup } from './coco.ts';
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
  itemId: string;
  truths: readonly Instance<Shape>[];
  detections: readonly Instance<Shape>[];
}

export type Counts = { truePositives: number; falsePositives: number; falseNegatives: number };

export interface InstanceResult {
  coco: CocoResult;
  /** At the judgement's IoU and confidence, over all labels. */
  counts: Counts;
  countsOfLabel: Map<string, Counts>;
  perItem: Map<string, ItemVerdict>;
}

/** Judges boxes and masks alike; a detection counts for a truth of exactly its label alone. */
export function evaluateInstances<Shape>(
  items: readonly ItemInstances<Shape>[],
  labels: readonly string[],
  overlap: (detection: Shape, truth: Shape, isCrowd: boolean) => number,
  { iou, confidence }: Judgement,
): InstanceResult {
  const groups = new Map<string, CocoGroup[]>();
  const counts: Counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
  const countsOfLabel = new Map<string, Counts>();
  const perItem = new Map<string, ItemVerdict>();
  const all = items.flatMap(({ truths, detections }) => [...truths, ...detections]);
  for (const label of inOrder(
    all.map((each) => each.label),
    labels,
  )) {
    groups.set(label, []);
    countsOfLabel.set(label, { truePositives: 0, falsePositives: 0, falseNegatives: 0 });
  }
  for (const { itemId, truths, detections } of items) {
    const own: Counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
    for (const label of new Set([...truths, ...detections].map((each) => each.label))) {
      const of = (list: readonly Instance<Shape>[]) => list.filter((each) => each.label === label);
      groups.get(label)!.push(groupOf(of(truths), of(detections), overlap));
      const sure = of(detections).filter(({ score }) => score >= confidence);
      const found = countsOf(groupOf(of(truths), sure, overlap), iou);
      for (const sum of [own, counts, countsOfLabel.get(label)!]) addCounts(sum, found);
    }
    perItem.set(itemId, { errors: own.falsePositives + own.falseNegatives, ...own });
  }
  return { coco: evaluateCoco(groups), counts, countsOfLabel, perItem };
}

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
  overlap: (detection: Shape, truth: Shape, isCrowd: boolean) => number,
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
