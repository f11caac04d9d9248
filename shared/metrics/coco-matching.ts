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

/** A label's detections in one item that COCO looks at, the surest. */
export const MAX_DETECTIONS = 100;

/** Square pixels, both ends within. */
export type AreaRange = readonly [least: number, most: number];
export const ANY_AREA: AreaRange = [0, 1e10];

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

/** The greedy matching of COCO: surest detection first, each takes the free truth it overlaps most, at the threshold or more. */
export function matchGroup(
  group: CocoGroup,
  thresholds: readonly number[],
  [least, most]: AreaRange = ANY_AREA,
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
