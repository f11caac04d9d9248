import type { Corner } from '../masks/polygon-mask.ts';

/** An upright rectangle in pixels: `left <= right`, `top <= bottom`. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What a `box` says: its corners as they stand there, and its turn in degrees, 0 for an upright one. */
export interface BoxShape {
  readonly first: Corner;
  readonly second: Corner;
  readonly angle: number;
}

/** The coordinates of a `box` annotation; `undefined` when they are not of that form. */
export function readBox(coordinates: unknown): BoxShape | undefined {
  if (!Array.isArray(coordinates) || coordinates.length < 2 || coordinates.length > 3) return undefined;
  const [first, second, angle = 0] = coordinates as unknown[];
  return isCorner(first) && isCorner(second) && isNumber(angle) ? { first, second, angle } : undefined;
}

/** The upright rectangle around a box; of a turned one, around its corners turned about its middle. */
export function rectangleOf({ first, second, angle }: BoxShape): Rectangle {
  const [left, right] = [Math.min(first.x, second.x), Math.max(first.x, second.x)];
  const [top, bottom] = [Math.min(first.y, second.y), Math.max(first.y, second.y)];
  if (angle === 0) return { left, top, right, bottom };
  const radians = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(radians)), Math.abs(Math.sin(radians))];
  const halfWidth = ((right - left) * cos + (bottom - top) * sin) / 2;
  const halfHeight = ((right - left) * sin + (bottom - top) * cos) / 2;
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return { left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight };
}

/** The rings of a `segment` annotation, three corners or more each; `undefined` when they are not of that form. */
export function readRings(coordinates: unknown): Corner[][] | undefined {
  if (!Array.isArray(coordinates) || coordinates.length === 0) return undefined;
  const rings = (isCorner(coordinates[0]) ? [coordinates] : coordinates) as unknown[];
  const isRing = (ring: unknown): ring is Corner[] =>
    Array.isArray(ring) && ring.length >= 3 && ring.every(isCorner);
  return rings.every(isRing) ? rings : undefined;
}

/** The corner of a `point` annotation. */
export function readPoint(coordinates: unknown): Corner | undefined {
  return isCorner(coordinates) ? coordinates : undefined;
}

/** The upright rectangle around corners. */
export function rectangleAround(corners: readonly Corner[]): Rectangle {
  const around = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of corners) {
    around.left = Math.min(around.left, x);
    around.right = Math.max(around.right, x);
    around.top = Math.min(around.top, y);
    around.bottom = Math.max(around.bottom, y);
  }
  return around;
}

function isCorner(value: unknown): value is Corner {
  return (
    typeof value === 'object' &&
    value !== null &&
    'x' in value &&
    'y' in value &&
    isNumber(value.x) &&
    isNumber(value.y)
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
