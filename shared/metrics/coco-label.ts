import {
  ANY_AREA,
  type AreaRange,
  type CocoGroup,
  MAX_DETECTIONS,
  type Matching,
  matchGroup,
} from './coco-matching.ts';
import { NumberColumn } from './number-column.ts';

/** Steps as numpy's linspace makes them: the last digit decides whether a recall of 0.07 is reached. */
const IOU_THRESHOLDS = Array.from({ length: 10 }, (_, step) =>
  step === 9 ? 0.95 : step * ((0.95 - 0.5) / 9) + 0.5,
);
export const RECALLS: readonly number[] = Array.from({ length: 101 }, (_, step) =>
  step === 100 ? 1 : step * 0.01,
);

const AREAS = {
  all: ANY_AREA,
  s: [0, 32 ** 2],
  m: [32 ** 2, 96 ** 2],
  l: [96 ** 2, 1e10],
} as const satisfies Record<string, AreaRange>;
type Area = keyof typeof AREAS;
const AREA_NAMES = Object.keys(AREAS) as Area[];

/** Precision and recall of one label, of some sizes and a number of detections an item. */
export interface Table {
  /** `precision[threshold][recall]`; empty without truths that count. */
  precision: number[][];
  /** `recall[threshold]`; empty without truths that count. */
  recall: number[];
  /** Score at each recall, at the first threshold. */
  scores: number[];
}

/** The tables that COCO's numbers are made of. */
export interface LabelTables {
  all: Table;
  first: Table;
  ten: Table;
  s: Table;
  m: Table;
  l: Table;
}

/** How a label's detections met truths within a range of areas: a bit a threshold. */
interface AreaColumns {
  positives: number;
  readonly matched: NumberColumn<Uint16Array>;
  readonly ignored: NumberColumn<Uint16Array>;
}

/**
 * One label's truth and detections, item by item, reduced at once to what its tables need: 25 bytes a detection, at
 * most a hundred detections an item.
 */
export class CocoLabelTally {
  readonly #scores = new NumberColumn((size) => new Float64Array(size));
  /** Place among the detections of its item, the surest first. */
  readonly #places = new NumberColumn((size) => new Uint8Array(size));
  readonly #areas: Readonly<Record<Area, AreaColumns>> = {
    all: emptyColumns(),
    s: emptyColumns(),
    m: emptyColumns(),
    l: emptyColumns(),
  };

  /** In the order of items, which decides between equal scores. */
  add(group: CocoGroup): void {
    for (const area of AREA_NAMES) {
      const matching = matchGroup(group, IOU_THRESHOLDS, AREAS[area]);
      const columns = this.#areas[area];
      columns.positives += matching.positives;
      for (const place of matching.order.keys()) {
        columns.matched.push(bitsOf(matching, (threshold) => matching.matched[threshold]![place]! >= 0));
        columns.ignored.push(bitsOf(matching, (threshold) => matching.ignored[threshold]![place]!));
      }
      // The order of detections is the same in all areas.
      if (area !== 'all') continue;
      for (const [place, score] of matching.scores.entries()) {
        this.#scores.push(score);
        this.#places.push(place);
      }
    }
  }

  tables(): LabelTables {
    const scores = this.#scores.numbers;
    const ranked = Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    const table = (area: Area, most: number) => this.#tableOf(ranked, area, most);
    return {
      all: table('all', MAX_DETECTIONS),
      first: table('all', 1),
      ten: table('all', 10),
      s: table('s', MAX_DETECTIONS),
      m: table('m', MAX_DETECTIONS),
      l: table('l', MAX_DETECTIONS),
    };
  }

  #tableOf(ranked: Uint32Array, area: Area, mostDetections: number): Table {
    const table: Table = { precision: [], recall: [], scores: [] };
    const { positives } = this.#areas[area];
    if (positives === 0) return table;
    const [scores, places] = [this.#scores.numbers, this.#places.numbers];
    const [matched, ignored] = [this.#areas[area].matched.numbers, this.#areas[area].ignored.numbers];
    const allowed = ranked.filter((at) => places[at]! < mostDetections);
    for (const threshold of IOU_THRESHOLDS.keys()) {
      const bit = 1 << threshold;
      const counted = allowed.filter((at) => (ignored[at]! & bit) === 0);
      const { recalls, precisions } = curveOf(
        counted.map((at) => matched[at]! & bit),
        positives,
      );
      const reached = placesOf(recalls);
      table.recall.push(recalls.at(-1) ?? 0);
      table.precision.push(reached.map((place) => precisions[place] ?? 0));
      if (threshold === 0) table.scores = reached.map((place) => scores[counted[place] ?? -1] ?? 0);
    }
    return table;
  }
}

function emptyColumns(): AreaColumns {
  return {
    positives: 0,
    matched: new NumberColumn((size) => new Uint16Array(size)),
    ignored: new NumberColumn((size) => new Uint16Array(size)),
  };
}

function bitsOf({ matched }: Matching, isSet: (threshold: number) => boolean): number {
  let bits = 0;
  for (const threshold of matched.keys()) if (isSet(threshold)) bits |= 1 << threshold;
  return bits;
}

/** Recall and precision after each detection, the surest first; precision is made to fall only. */
function curveOf(isRight: Uint32Array, positives: number) {
  const recalls = new Float64Array(isRight.length);
  const precisions = new Float64Array(isRight.length);
  let truePositives = 0;
  for (const [index, right] of isRight.entries()) {
    if (right !== 0) truePositives += 1;
    recalls[index] = truePositives / positives;
    precisions[index] = truePositives / (index + 1);
  }
  for (let at = precisions.length - 1; at > 0; at -= 1)
    precisions[at - 1] = Math.max(precisions[at - 1]!, precisions[at]!);
  return { recalls, precisions };
}

/** For each recall the first place that reaches it; behind the end where none does. */
function placesOf(recalls: Float64Array): number[] {
  let place = 0;
  return RECALLS.map((recall) => {
    while (place < recalls.length && recalls[place]! < recall) place += 1;
    return place;
  });
}
