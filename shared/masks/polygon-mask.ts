import { appendRun, type RunMask } from './run-mask.ts';

/** A corner in pixels; (0, 0) is the upper left corner of the first pixel, whose centre is (0.5, 0.5). */
export interface Corner {
  readonly x: number;
  readonly y: number;
}

/**
 * The pixels of a polygon. The rule: a pixel belongs to it when its centre lies inside, by the even-odd rule over all
 * rings together, so that a ring within a ring is a hole. A centre exactly on the left or upper edge is inside, on the right
 * or lower edge outside: polygons that share an edge share no pixel and leave none out. What lies outside the frame
 * is cut off. pycocotools draws polygons by another rule, on a grid five times as fine: at the border its masks may
 * differ by a pixel.
 */
export function polygonMask(rings: readonly (readonly Corner[])[], width: number, height: number): RunMask {
  const crossings = new Map<number, number[]>();
  for (const ring of rings)
    for (const [index, corner] of ring.entries())
      addCrossings(crossings, corner, ring[(index + 1) % ring.length]!, width);
  const runs: number[] = [];
  for (const column of [...crossings.keys()].sort((a, b) => a - b)) {
    const heights = crossings.get(column)!.sort((a, b) => a - b);
    for (let at = 0; at + 1 < heights.length; at += 2) {
      const top = Math.min(height, Math.max(0, Math.ceil(heights[at]! - 0.5)));
      const bottom = Math.min(height, Math.max(0, Math.ceil(heights[at + 1]! - 0.5)));
      appendRun(runs, column * height + top, column * height + bottom);
    }
  }
  return { width, height, runs };
}

/** Where an edge meets the middle of each column; an upright edge meets none. */
function addCrossings(crossings: Map<number, number[]>, a: Corner, b: Corner, width: number): void {
  const [left, right] = a.x <= b.x ? [a, b] : [b, a];
  const first = Math.max(0, Math.ceil(left.x - 0.5));
  const last = Math.min(width, Math.ceil(right.x - 0.5)) - 1;
  for (let column = first; column <= last; column += 1) {
    const fraction = (column + 0.5 - left.x) / (right.x - left.x);
    const heights = crossings.get(column) ?? [];
    crossings.set(column, heights);
    heights.push(left.y + fraction * (right.y - left.y));
  }
}
