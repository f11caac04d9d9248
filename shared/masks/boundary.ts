/**
 * Pixels of a mask that lie within `distance` pixels of its border, the frame's edge included, by the larger of the
 * distances in x and y: the mask without its erosion by a square (Cheng et al. 2021, "Boundary IoU", with OpenCV's
 * 3 x 3 erosion repeated).
 */
export function boundaryOf(pixels: Uint8Array, width: number, height: number, distance: number): Uint8Array {
  const outside = pixels.map((pixel) => (pixel === 0 ? 1 : 0));
  const near = grown(outside, width, height, distance, true);
  return pixels.map((pixel, at) => (pixel !== 0 && near[at] !== 0 ? 1 : 0));
}

/**
 * Every pixel that has one of the mask's in the square of `distance` around it. `frameCounts`: what lies beyond the frame
 * counts as the mask's too.
 */
export function grown(
  pixels: Uint8Array,
  width: number,
  height: number,
  distance: number,
  frameCounts = false,
): Uint8Array {
  const across = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y += 1) grow(pixels, across, y * width, 1, width, distance, frameCounts);
  const out = new Uint8Array(pixels.length);
  for (let x = 0; x < width; x += 1) grow(across, out, x, width, height, distance, frameCounts);
  return out;
}

/** One line of pixels: marked is what has a marked one at most `distance` before or behind it. */
function grow(
  from: Uint8Array,
  to: Uint8Array,
  start: number,
  step: number,
  length: number,
  distance: number,
  frameCounts: boolean,
): void {
  let last = frameCounts ? -1 : Number.NEGATIVE_INFINITY;
  for (let at = 0; at < length; at += 1) {
    if (from[start + at * step] !== 0) last = at;
    if (at - last <= distance) to[start + at * step] = 1;
  }
  last = frameCounts ? length : Number.POSITIVE_INFINITY;
  for (let at = length - 1; at >= 0; at -= 1) {
    if (from[start + at * step] !== 0) last = at;
    if (last - at <= distance) to[start + at * step] = 1;
  }
}
