/** What is there, of one label in one item. */
export interface CocoTruth {
  /** Square pixels. */
  readonly area: number;
  /** A crowd is no miss when nothing finds it, and may be found any number of times. */
  readonly isCrowd: boolean;
}

export interface CocoDetection {
  readonly area: number;
  readonly score: number;
}

/** Truth and detections of one label in one item. */
export interface CocoGroup {
  readonly truths: readonly CocoTruth[];
  /** In the order they were made: of equal scores the earlier one goes first. */
  readonly detections: readonly CocoDetection[];
  /** Intersection over union, 0..1; with a crowd, over the detection's own area. */
  overlap(detection: number, truth: number): number;
}

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

/** Steps as numpy's linspace makes them: the last digit decides whether a recall of 0.07 is reached. */
const IOU_THRESHOLDS = Array.from({ length: 10 }, (_, step) =>
  step === 9 ? 0.95 : step * ((0.95 - 0.5) / 9) + 0.5,
);
const RECALLS = Array.from({ length: 101 }, (_, step) => step * 0.01);
RECALLS[100] = 1;
const MAX_DETECTIONS = 100;
const AREAS = { all: [0, 1e10], s: [0, 32 ** 2], m: [32 ** 2, 96 ** 2], l: [96 ** 2, 1e10] } as const;

/** How one group's detections met its truths, by threshold. */
export interface Matching {
  /** Places of the detections in the group, surest first. */
  readonly order: readonly number[];
  readonly scores: readonly number[];
  /** Place of the matched truth in the group, -1 for none: `matched[threshold][detection]`. */
  readonly matched: readonly (readonly number[])[];
  /** True: neither right nor wrong. */
  readonly ignored: readonly (readonly boolean[])[];
  /** Number of truths that count. */
  readonly positives: number;
}

/**
 * COCO's twelve numbers and the curves of each label, as pycocotools' COCOeval has them: 101 recalls, IoU
 * 0.50:0.05:0.95, areas below 32 x 32, to 96 x 96 and above, 1, 10 and 100 detections of a label in an item at most.
 * `groups` of each label are in the order of items, which decides between equal scores.
 * Source: cocoapi, PythonAPI/pycocotools/cocoeval.py.
 */
export function evaluateCoco(groups: ReadonlyMap<string, readonly CocoGroup[]>): CocoResult {
  const tables = [...groups].map(([label, own]) => ({ label, ...tablesOf(own) }));
  const precisionOf = (pick: (table: LabelTables) => number[][]) =>
    meanOf(tables.flatMap((each) => pick(each).flat()));
  const recallOf = (pick: (table: LabelTables) => number[]) => meanOf(tables.flatMap(pick));
  return {
    stats: {
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
    },
    perLabel: new Map(tables.map(({ label, all }) => [label, labelOf(all)])),
  };
}

/** The greedy matching of COCO: surest detection first, each takes the free truth it overlaps most, at the threshold or more. */
export function matchGroup(
  group: CocoGroup,
  thresholds: readonly number[],
  [least, most]: readonly [number, number] = AREAS.all,
): Matching {
  const { truths, detections } = group;
  const order = detections
    .map((_, index) => index)
    .sort((a, b) => detections[b]!.score - detections[a]!.score)
    .slice(0, MAX_DETECTIONS);
  const isOutside = (area: number) => area < least || area > most;
  const isIgnored = truths.map(({ area, isCrowd }) => isCrowd || isOutside(area));
  const candidates = truths
    .map((_, index) => index)
    .sort((a, b) => Number(isIgnored[a]) - Number(isIgnored[b]));
  const overlaps = order.map((detection) => candidates.map((truth) => group.overlap(detection, truth)));
  const matched: number[][] = [];
  const ignored: boolean[][] = [];
  for (const threshold of thresholds) {
    const taken = new Set<number>();
    const own = order.map((_, place) => {
      const truth = bestTruth(
        candidates,
        overlaps[place]!,
        threshold,
        isIgnored,
        (each) => taken.has(each) && !truths[each]!.isCrowd,
      );
      if (truth >= 0) taken.add(truth);
      return truth;
    });
    matched.push(own);
    ignored.push(
      own.map((truth, place) =>
        truth >= 0 ? isIgnored[truth]! : isOutside(detections[order[place]!]!.area),
      ),
    );
  }
  return {
    order,
    scores: order.map((index) => detections[index]!.score),
    matched,
    ignored,
    positives: isIgnored.filter((each) => !each).length,
  };
}

/** -1 for none. Truths that count come first: one of those that do not is taken only when none of them fits. */
function bestTruth(
  candidates: readonly number[],
  overlaps: readonly number[],
  threshold: number,
  isIgnored: readonly boolean[],
  isTaken: (truth: number) => boolean,
): number {
  let best = -1;
  let bestOverlap = Math.min(threshold, 1 - 1e-10);
  for (const [place, truth] of candidates.entries()) {
    if (isTaken(truth)) continue;
    if (best >= 0 && !isIgnored[best] && isIgnored[truth]) break;
    if (overlaps[place]! < bestOverlap) continue;
    bestOverlap = overlaps[place]!;
    best = truth;
  }
  return best;
}

interface Table {
  /** `precision[threshold][recall]`; empty without truths that count. */
  precision: number[][];
  /** `recall[threshold]`; empty without truths that count. */
  recall: number[];
  /** Score at each recall, at the first threshold. */
  scores: number[];
}

interface LabelTables {
  all: Table;
  first: Table;
  ten: Table;
  s: Table;
  m: Table;
  l: Table;
}

function tablesOf(groups: readonly CocoGroup[]): LabelTables {
  const matchings = (area: keyof typeof AREAS) =>
    groups
      .filter(({ truths, detections }) => truths.length + detections.length > 0)
      .map((group) => matchGroup(group, IOU_THRESHOLDS, AREAS[area]));
  const all = matchings('all');
  return {
    all: accumulate(all, MAX_DETECTIONS),
    first: accumulate(all, 1),
    ten: accumulate(all, 10),
    s: accumulate(matchings('s'), MAX_DETECTIONS),
    m: accumulate(matchings('m'), MAX_DETECTIONS),
    l: accumulate(matchings('l'), MAX_DETECTIONS),
  };
}

function accumulate(matchings: readonly Matching[], maxDetections: number): Table {
  const table: Table = { precision: [], recall: [], scores: [] };
  const positives = matchings.reduce((sum, each) => sum + each.positives, 0);
  if (positives === 0) return table;
  const ranked = matchings
    .flatMap((matching) =>
      matching.scores.slice(0, maxDetections).map((score, place) => ({ matching, place, score })),
    )
    .sort((a, b) => b.score - a.score);
  for (const threshold of IOU_THRESHOLDS.keys()) {
    const counted = ranked.filter(({ matching, place }) => !matching.ignored[threshold]![place]);
    let truePositives = 0;
    const recalls: number[] = [];
    const precisions: number[] = [];
    for (const [index, { matching, place }] of counted.entries()) {
      if (matching.matched[threshold]![place]! >= 0) truePositives += 1;
      recalls.push(truePositives / positives);
      precisions.push(truePositives / (index + 1));
    }
    for (let at = precisions.length - 1; at > 0; at -= 1)
      precisions[at - 1] = Math.max(precisions[at - 1]!, precisions[at]!);
    const places = placesOf(recalls);
    table.recall.push(recalls.at(-1) ?? 0);
    table.precision.push(places.map((place) => precisions[place] ?? 0));
    if (threshold === 0) table.scores = places.map((place) => counted[place]?.score ?? 0);
  }
  return table;
}

/** For each recall the first place that reaches it; behind the end where none does. */
function placesOf(recalls: readonly number[]): number[] {
  let place = 0;
  return RECALLS.map((recall) => {
    while (place < recalls.length && recalls[place]! < recall) place += 1;
    return place;
  });
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
