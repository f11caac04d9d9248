import { type Rectangle, rectangleAround } from '../annotations/shapes.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { countsOfText, maskOfCounts } from '../masks/coco-rle.ts';
import { binaryOfMask } from '../masks/png-mask.ts';
import type { Corner } from '../masks/polygon-mask.ts';
import { isMaskSize, type RunMask } from '../masks/run-mask.ts';
import { boxCoordinates } from './boxes.ts';
import { rectangleOfMask } from './coco-writer.ts';
import type { ReadContext } from './format.ts';
import type { LossReport } from './loss-report.ts';
import { ringArea, uniteRings } from './ring-union.ts';

/** Pixels by which a `bbox` may differ from the rectangle around its segmentation: tools round either. */
const BBOX_TOLERANCE = 1;

/** The area of an annotation: a box, a segment, or a binary mask. */
export interface Area {
  type: 'box' | 'segment' | 'binary';
  coordinates: Json;
}

interface Mask extends Area {
  around: Rectangle;
}

/**
 * Returns the areas that an annotation has: its segmentation, its box, or both, as `context.areas` asks. A segmentation that
 * cannot be read leaves the box; whatever is left out is in the loss report.
 */
export function areasOf(
  value: JsonObject,
  { image, hasPoints, context }: { image: string; hasPoints: boolean; context: ReadContext },
): Area[] {
  const { losses, areas = 'mask' } = context;
  const place = { image, annotation: value.id ?? null };
  const mask = maskOf(value.segmentation, place, losses);
  const box = boxOf(value.bbox, place, { hasPoints, losses });
  if (mask === undefined) return box ? [toArea(box)] : [];
  const { around, ...area } = mask;
  if (areas === 'both') return box ? [area, toArea(box)] : [area];
  if (areas === 'box') {
    if (box) losses.dropped('box', 'segmentation', value.segmentation);
    else losses.approximated('box', 'segmentation', value.segmentation);
    return [toArea(box ?? around)];
  }
  if (box && differs(box, around)) losses.dropped(area.type, 'bbox', { ...place, bbox: value.bbox });
  return [area];
}

function toArea(box: Rectangle): Area {
  return { type: 'box', coordinates: boxCoordinates(box) };
}

function differs(a: Rectangle, b: Rectangle): boolean {
  return (['left', 'top', 'right', 'bottom'] as const).some(
    (side) => Math.abs(a[side] - b[side]) > BBOX_TOLERANCE,
  );
}

function maskOf(segmentation: Json | undefined, place: JsonObject, losses: LossReport): Mask | undefined {
  if (segmentation === undefined || segmentation === null) return undefined;
  if (Array.isArray(segmentation) && segmentation.length === 0) return undefined;
  const mask = isJsonObject(segmentation) ? binaryOf(segmentation) : segmentOf(segmentation, place, losses);
  if (mask === undefined) losses.dropped('annotation', 'segmentation', { ...place, segmentation });
  return mask;
}

function binaryOf(rle: JsonObject): Mask | undefined {
  const mask = maskOfRle(rle);
  if (mask === undefined) return undefined;
  return { type: 'binary', coordinates: binaryOfMask(mask), around: rectangleOfMask(mask) };
}

function maskOfRle({ size, counts }: JsonObject): RunMask | undefined {
  if (!Array.isArray(size)) return undefined;
  const [height, width] = size;
  if (typeof width !== 'number' || typeof height !== 'number' || !isMaskSize(width, height)) return undefined;
  const lengths = typeof counts === 'string' ? countsOfText(counts) : counts;
  if (!Array.isArray(lengths) || !lengths.every((each) => typeof each === 'number')) return undefined;
  return maskOfCounts(lengths as number[], width, height);
}

/** Polygons as one segment. A list of numbers, without the list of polygons around it, is not of the format. */
function segmentOf(segmentation: Json, place: JsonObject, losses: LossReport): Mask | undefined {
  if (!Array.isArray(segmentation)) return undefined;
  const rings: Corner[][] = [];
  const unreadable: Json[] = [];
  for (const each of segmentation) {
    const ring = ringOf(each);
    if (ring) rings.push(ring);
    else unreadable.push(each);
  }
  const united = rings.length > 0 ? uniteRings(rings) : undefined;
  if (united === undefined) return undefined;
  for (const ring of unreadable) losses.dropped('segment', 'segmentation.ring', { ...place, ring });
  if (united !== rings) losses.approximated('segment', 'coordinates.rings', { ...place, segmentation });
  const coordinates = united.map((ring) => ring.map(({ x, y }) => ({ x, y })));
  return { type: 'segment', coordinates, around: rectangleAround(united.flat()) };
}

/** A polygon of at least three corners that has an area. */
function ringOf(flat: Json): Corner[] | undefined {
  if (!Array.isArray(flat) || flat.length < 6 || flat.length % 2 !== 0) return undefined;
  if (!flat.every((each) => typeof each === 'number')) return undefined;
  const numbers = flat as number[];
  const ring = Array.from({ length: flat.length / 2 }, (_, at) => ({
    x: numbers[2 * at]!,
    y: numbers[2 * at + 1]!,
  }));
  return ringArea(ring) > 0 ? ring : undefined;
}

/** A box; of an annotation with points, one without a size is a filler. */
function boxOf(
  bbox: Json | undefined,
  place: JsonObject,
  { hasPoints, losses }: { hasPoints: boolean; losses: LossReport },
): Rectangle | undefined {
  if (bbox === undefined || bbox === null || (Array.isArray(bbox) && bbox.length === 0)) return undefined;
  const isBox = Array.isArray(bbox) && bbox.length === 4 && bbox.every((each) => typeof each === 'number');
  const [left, top, width, height] = (isBox ? bbox : [0, 0, -1, -1]) as [number, number, number, number];
  if (width < 0 || height < 0) {
    losses.dropped('annotation', 'bbox', { ...place, bbox });
    return undefined;
  }
  if (hasPoints && width === 0 && height === 0) return undefined;
  return { left, top, right: left + width, bottom: top + height };
}
