import { type Geom, union } from 'polyclip-ts';
import { rectangleAround } from '../annotations/shapes.ts';
import type { Corner } from '../masks/polygon-mask.ts';

/**
 * Returns the rings whose even-odd area is the union of the given polygons, which is what COCO means by several polygons
 * of one annotation. Polygons that share no area come back as they are, corner for corner. `undefined` when the polygons
 * are too degenerate to be united.
 */
export function uniteRings(
  rings: readonly (readonly Corner[])[],
): readonly (readonly Corner[])[] | undefined {
  if (!mayOverlap(rings)) return rings;
  try {
    const [first, ...others] = rings.map(polygonOf);
    const united = union(first!, ...others);
    return sharesArea(rings, united) ? united.flat().map(cornersOf) : rings;
  } catch {
    return undefined;
  }
}

/** Returns false when no two rings can share area, by the rectangles around them. */
export function mayOverlap(rings: readonly (readonly Corner[])[]): boolean {
  const around = rings.map(rectangleAround);
  return around.some((a, at) =>
    around
      .slice(at + 1)
      .some((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom),
  );
}

type Ring = [number, number][];

/** Each ring on its own; the even-odd rule holds inside one ring. */
function polygonOf(ring: readonly Corner[]): Geom {
  return [ring.map(({ x, y }): [number, number] => [x, y])];
}

/** The closing corner of a ring is its first one, which our rings do not repeat. */
function cornersOf(ring: Ring): Corner[] {
  return ring.slice(0, -1).map(([x, y]) => ({ x, y }));
}

/** True when the union is smaller than the sum of the polygons, each united with itself. */
function sharesArea(rings: readonly (readonly Corner[])[], united: Ring[][]): boolean {
  const alone = rings.reduce((sum, ring) => sum + areaOf(union(polygonOf(ring))), 0);
  return alone - areaOf(united) > alone * 1e-9;
}

/** Area of polygons with holes, in square pixels: outer rings minus inner ones. */
function areaOf(polygons: Ring[][]): number {
  return polygons.reduce((sum, [outer, ...holes]) => {
    const inner = holes.reduce((all, hole) => all + ringArea(cornersOf(hole)), 0);
    return sum + ringArea(cornersOf(outer!)) - inner;
  }, 0);
}

/** Area of one ring in square pixels, by Gauss' formula. */
export function ringArea(ring: readonly Corner[]): number {
  const twice = ring.reduce((sum, { x, y }, at) => {
    const next = ring[(at + 1) % ring.length]!;
    return sum + x * next.y - next.x * y;
  }, 0);
  return Math.abs(twice) / 2;
}
