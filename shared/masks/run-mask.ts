/**
 * A mask as runs of pixels. Pixels are counted down the columns, left to right, as COCO counts them: pixel (x, y) has
 * the place `x * height + y`. `runs` holds first place and place behind the last one, in turn, ascending, and no two
 * runs touch.
 */
export interface RunMask {
  readonly width: number;
  readonly height: number;
  readonly runs: readonly number[];
}

/** 8,192 x 8,192: a mask of more is a mistake or an attack. */
export const MAX_MASK_PIXELS = 2 ** 26;

/** True for whole numbers that a mask may have as its sides. */
export function isMaskSize(width: number, height: number): boolean {
  return (
    Number.isInteger(width) &&
    Number.isInteger(height) &&
    width > 0 &&
    height > 0 &&
    width * height <= MAX_MASK_PIXELS
  );
}

/** Adds a run behind the others, and makes one of two that touch. */
export function appendRun(runs: number[], start: number, end: number): void {
  if (end <= start) return;
  if (runs.length > 0 && runs.at(-1)! >= start) runs[runs.length - 1] = end;
  else runs.push(start, end);
}

/** Number of pixels. */
export function areaOf({ runs }: RunMask): number {
  let area = 0;
  for (let at = 0; at < runs.length; at += 2) area += runs[at + 1]! - runs[at]!;
  return area;
}

/** Number of pixels that both have. Both of the same size. */
export function sharedArea(a: RunMask, b: RunMask): number {
  let shared = 0;
  let left = 0;
  let right = 0;
  while (left < a.runs.length && right < b.runs.length) {
    const end = Math.min(a.runs[left + 1]!, b.runs[right + 1]!);
    shared += Math.max(0, end - Math.max(a.runs[left]!, b.runs[right]!));
    if (a.runs[left + 1] === end) left += 2;
    if (b.runs[right + 1] === end) right += 2;
  }
  return shared;
}

/** The pixels of any of the masks, all of the size that is given. */
export function unionOf(masks: readonly RunMask[], width: number, height: number): RunMask {
  const pairs = masks.flatMap(({ runs }) =>
    Array.from({ length: runs.length / 2 }, (_, at) => [runs[2 * at]!, runs[2 * at + 1]!] as const),
  );
  pairs.sort((a, b) => a[0] - b[0]);
  const runs: number[] = [];
  for (const [start, end] of pairs) appendRun(runs, start, Math.max(end, runs.at(-1) ?? 0));
  return { width, height, runs };
}

/** Pixels row by row, 1 inside: `pixels[y * width + x]`. */
export function pixelsOf({ width, height, runs }: RunMask): Uint8Array {
  const pixels = new Uint8Array(width * height);
  for (let at = 0; at < runs.length; at += 2)
    for (let place = runs[at]!; place < runs[at + 1]!; place += 1) {
      const x = Math.floor(place / height);
      pixels[(place - x * height) * width + x] = 1;
    }
  return pixels;
}

/** The mask of pixels that are given row by row; anything but 0 is inside. */
export function maskOfPixels(pixels: Uint8Array, width: number, height: number): RunMask {
  const runs: number[] = [];
  for (let x = 0; x < width; x += 1)
    for (let y = 0; y < height; y += 1)
      if (pixels[y * width + x] !== 0) appendRun(runs, x * height + y, x * height + y + 1);
  return { width, height, runs };
}

/** The same pixels in a frame of another size: what lies outside is cut off. */
export function reframed(mask: RunMask, width: number, height: number): RunMask {
  if (mask.width === width && mask.height === height) return mask;
  const runs: number[] = [];
  for (let at = 0; at < mask.runs.length; at += 2) {
    let place = mask.runs[at]!;
    while (place < mask.runs[at + 1]!) {
      const x = Math.floor(place / mask.height);
      const end = Math.min(mask.runs[at + 1]!, (x + 1) * mask.height);
      if (x < width) {
        const top = place - x * mask.height;
        const bottom = Math.min(height, end - x * mask.height);
        appendRun(runs, x * height + top, x * height + bottom);
      }
      place = end;
    }
  }
  return { width, height, runs };
}
