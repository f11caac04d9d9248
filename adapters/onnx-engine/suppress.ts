import type { Detection } from './boxes.ts';

/** More candidates than these are not compared, the least sure first: YOLOv5's `max_nms`. */
const MOST_CANDIDATES = 30_000;

export interface Suppression {
  /** Boxes that overlap a surer one by more than this (intersection over union) are dropped, 0..1. */
  iouThreshold: number;
  /** Objects of an image at most. */
  maxDetections: number;
  /** Compare boxes of different classes too. */
  isAgnostic: boolean;
}

/** Non-maximum suppression, surest first; of equal scores the one that came first. Classes are compared apart. */
export function suppress(
  candidates: readonly Detection[],
  { iouThreshold, maxDetections, isAgnostic }: Suppression,
): Detection[] {
  const order = candidates.map((_, index) => index);
  order.sort((a, b) => candidates[b]!.score - candidates[a]!.score || a - b);
  order.length = Math.min(order.length, MOST_CANDIDATES);
  const kept: Detection[] = [];
  const byClass = new Map<number, Detection[]>();
  for (const index of order) {
    if (kept.length >= maxDetections) break;
    const candidate = candidates[index]!;
    const group = isAgnostic ? 0 : candidate.classIndex;
    const rivals = byClass.get(group) ?? [];
    byClass.set(group, rivals);
    if (rivals.some((rival) => overlap(rival, candidate) > iouThreshold)) continue;
    rivals.push(candidate);
    kept.push(candidate);
  }
  return kept;
}

/** Intersection over union, 0..1. */
export function overlap(a: Detection, b: Detection): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

function areaOf({ left, top, right, bottom }: Detection): number {
  return (right - left) * (bottom - top);
}
