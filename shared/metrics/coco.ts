import { CocoLabelTally, type LabelTables, RECALLS, type Table } from './coco-label.ts';
import type { CocoGroup } from './coco-matching.ts';

export const COCO_STATS = [
  'AP',
  'AP50',
  'AP75',
  'APs',
  'APm',
  'APl',
  'AR1',
  'AR10',
  'AR100',
  'ARs',
  'ARm',
  'ARl',
] as const;
export type CocoStat = (typeof COCO_STATS)[number];

/** One label's numbers; -1 where there is no truth of it. */
export interface CocoLabel {
  AP: number;
  AP50: number;
  AP75: number;
  AR: number;
  /** Precision at recall 0, 0.01 ... 1, at IoU 0.5; empty where there is no truth. */
  curve: readonly { recall: number; precision: number; score: number }[];
}

export interface CocoResult {
  /** -1 where nothing can be said: no truth of that size, or none at all. */
  stats: Record<CocoStat, number>;
  perLabel: Map<string, CocoLabel>;
}

/**
 * COCO's twelve numbers and the curves of each label, as pycocotools' COCOeval has them: 101 recalls, IoU
 * 0.50:0.05:0.95, areas below 32 x 32, to 96 x 96 and above, 1, 10 and 100 detections of a label in an item at most.
 * Truth and detections come item by item and are not kept. Source: cocoapi, PythonAPI/pycocotools/cocoeval.py.
 */
export class CocoTally {
  readonly #byLabel = new Map<string, CocoLabelTally>();

  /** The groups of a label come in the order of items, which decides between equal scores. */
  add(label: string, group: CocoGroup): void {
    const tally = this.#byLabel.get(label) ?? new CocoLabelTally();
    this.#byLabel.set(label, tally);
    tally.add(group);
  }

  /** `labels` says their order; a label without any group has the numbers of nothing. */
  result(labels: Iterable<string>): CocoResult {
    const tables = Array.from(labels, (label) => ({
      label,
      ...(this.#byLabel.get(label) ?? new CocoLabelTally()).tables(),
    }));
    return {
      stats: statsOf(tables),
      perLabel: new Map(tables.map(({ label, all }) => [label, labelOf(all)])),
    };
  }
}

function statsOf(tables: readonly LabelTables[]): Record<CocoStat, number> {
  const precisionOf = (pick: (table: LabelTables) => number[][]) =>
    meanOf(tables.flatMap((each) => pick(each).flat()));
  const recallOf = (pick: (table: LabelTables) => number[]) => meanOf(tables.flatMap(pick));
  return {
    AP: precisionOf(({ all }) => all.precision),
    AP50: precisionOf(({ all }) => all.precision.slice(0, 1)),
    AP75: precisionOf(({ all }) => all.precision.slice(5, 6)),
    APs: precisionOf(({ s }) => s.precision),
    APm: precisionOf(({ m }) => m.precision),
    APl: precisionOf(({ l }) => l.precision),
    AR1: recallOf(({ first }) => first.recall),
    AR10: recallOf(({ ten }) => ten.recall),
    AR100: recallOf(({ all }) => all.recall),
    ARs: recallOf(({ s }) => s.recall),
    ARm: recallOf(({ m }) => m.recall),
    ARl: recallOf(({ l }) => l.recall),
  };
}

function labelOf({ precision, recall, scores }: Table): CocoLabel {
  return {
    AP: meanOf(precision.flat()),
    AP50: meanOf(precision[0] ?? []),
    AP75: meanOf(precision[5] ?? []),
    AR: meanOf(recall),
    curve: (precision[0] ?? []).map((each, at) => ({
      recall: RECALLS[at]!,
      precision: each,
      score: scores[at]!,
    })),
  };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
