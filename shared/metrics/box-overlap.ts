import type { Rectangle } from '../annotations/shapes.ts';

/** Intersection over union of two upright rectangles, 0..1; with a crowd as truth, over the detection's own area. */
export function boxOverlap(detection: Rectangle, truth: Rectangle, isCrowd = false): number {
  const width = Math.min(detection.right, truth.right) - Math.max(detection.left, truth.left);
  const height = Math.min(detection.bottom, truth.bottom) - Math.max(detection.top, truth.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (isCrowd ? boxArea(detection) : boxArea(detection) + boxArea(truth) - shared);
}

/** Square pixels. */
export function boxArea({ left, top, right, bottom }: Rectangle): number {
  return (right - left) * (bottom - top);
}
