import { isCrowd } from '../annotations/crowd.ts';
import { type Rectangle, readPoint, readRings, rectangleAround } from '../annotations/shapes.ts';
import type { Json, JsonObject } from '../json.ts';
import { countsOf } from '../masks/coco-rle.ts';
import { maskOfBinary } from '../masks/png-mask.ts';
import type { Corner } from '../masks/polygon-mask.ts';
import { areaOf, type RunMask } from '../masks/run-mask.ts';
import { uprightBox } from './boxes.ts';
import type { FormatAnnotation, FormatSource } from './format.ts';
import type { LossReport } from './loss-report.ts';
import { noteCorners, noteRest } from './rest.ts';
import { mayOverlap, ringArea } from './ring-union.ts';

const CROWD = 'metadata.user.isCrowd';

/** Images first, then annotations, and last the categories, which are known by then. */
export async function* cocoDocument(
  source: FormatSource,
  partition: string,
  losses: LossReport,
): AsyncGenerator<string> {
  const images = new Map<string, number>();
  yield '{"images":[';
  for await (const { path, width, height } of source.items(partition)) {
    const id = images.size + 1;
    const image = {
      id,
      file_name: path,
      ...(width !== undefined && height !== undefined && { width, height }),
    };
    yield `${id === 1 ? '\n' : ',\n'}${JSON.stringify(image)}`;
    images.set(path, id);
  }
  yield '\n],"annotations":[';
  const categories = new Categories(source.labels);
  let count = 0;
  for await (const { path, annotations } of source.items(partition)) {
    const image_id = images.get(path);
    // An item that came in between is of the next conversion.
    if (image_id === undefined) continue;
    for (const annotation of annotations) {
      const shape = cocoShape(annotation, losses);
      if (shape === undefined) continue;
      count += 1;
      const category_id = categories.idOf(annotation.label, annotation.type === 'point');
      const crowd = annotation.type !== 'point' && isCrowd(annotation);
      const line = { id: count, image_id, category_id, ...shape, iscrowd: crowd ? 1 : 0 };
      yield `${count === 1 ? '\n' : ',\n'}${JSON.stringify(line)}`;
    }
  }
  yield `\n],"categories":${JSON.stringify(categories.list())}}\n`;
}

class Categories {
  readonly #labels = new Map<string, { hasPoints: boolean }>();

  constructor(labels: readonly string[]) {
    for (const label of labels) this.#labels.set(label, { hasPoints: false });
  }

  idOf(label: string, isPoint: boolean): number {
    const entry = this.#labels.get(label) ?? { hasPoints: false };
    entry.hasPoints ||= isPoint;
    this.#labels.set(label, entry);
    return this.#ids(label);
  }

  list(): JsonObject[] {
    return [...this.#labels].map(([name, { hasPoints }], index) => ({
      id: index + 1,
      name,
      ...(hasPoints && { keypoints: [name], skeleton: [] }),
    }));
  }

  readonly #known = new Map<string, number>();

  #ids(label: string): number {
    if (this.#known.size !== this.#labels.size)
      for (const [index, each] of [...this.#labels.keys()].entries()) this.#known.set(each, index + 1);
    return this.#known.get(label)!;
  }
}

function cocoShape(annotation: FormatAnnotation, losses: LossReport): JsonObject | undefined {
  const { type, coordinates = null } = annotation;
  const shape = shapeOf(annotation, losses);
  if (shape === undefined) return undefined;
  if (shape === 'unreadable') {
    losses.dropped(type, '*', coordinates);
    return undefined;
  }
  const holdsCrowd = type !== 'point' && isCrowd(annotation);
  noteRest(annotation, losses, { metadata: holdsCrowd ? [CROWD] : [] });
  return shape;
}

function shapeOf(annotation: FormatAnnotation, losses: LossReport): JsonObject | 'unreadable' | undefined {
  const { type, label, coordinates = null } = annotation;
  switch (type) {
    case 'box': {
      const box = uprightBox(annotation, losses);
      if (box === undefined) return undefined;
      return { bbox: bboxOf(box), area: (box.right - box.left) * (box.bottom - box.top), segmentation: [] };
    }
    case 'segment': {
      const rings = readRings(coordinates);
      if (rings === undefined) return 'unreadable';
      noteCorners(type, rings.flat(), losses);
      if (mayOverlap(rings)) losses.approximated(type, 'coordinates.rings', coordinates);
      const segmentation = rings.map((ring) => ring.flatMap(({ x, y }) => [x, y]));
      return { segmentation, bbox: bboxOf(rectangleAround(rings.flat())), area: polygonArea(rings) };
    }
    case 'binary': {
      const mask = maskOfBinary(coordinates);
      if (mask === undefined) return 'unreadable';
      const segmentation = { size: [mask.height, mask.width], counts: countsOf(mask) };
      return { segmentation, bbox: bboxOf(rectangleOfMask(mask)), area: areaOf(mask) };
    }
    case 'point': {
      const point = readPoint(coordinates);
      if (point === undefined) return 'unreadable';
      noteCorners(type, [point], losses);
      const { x, y } = point;
      return { keypoints: [x, y, 2], num_keypoints: 1, bbox: [x, y, 0, 0], area: 0 };
    }
    default:
      losses.dropped(type, '*', label);
      return undefined;
  }
}

function bboxOf({ left, top, right, bottom }: Rectangle): Json {
  return [left, top, right - left, bottom - top];
}

/** The rectangle around the pixels of a mask. */
export function rectangleOfMask({ runs, height }: RunMask): Rectangle {
  if (runs.length === 0) return { left: 0, top: 0, right: 0, bottom: 0 };
  let [top, bottom] = [height, 0];
  const [left, right] = [Math.floor(runs[0]! / height), Math.floor((runs.at(-1)! - 1) / height)];
  for (let at = 0; at < runs.length; at += 2) {
    const [start, last] = [runs[at]!, runs[at + 1]! - 1];
    const isOneColumn = Math.floor(start / height) === Math.floor(last / height);
    top = Math.min(top, isOneColumn ? start % height : 0);
    bottom = Math.max(bottom, isOneColumn ? last % height : height - 1);
  }
  return { left, top, right: right + 1, bottom: bottom + 1 };
}

/** Areas of the polygons, added up. */
function polygonArea(rings: readonly (readonly Corner[])[]): number {
  return rings.reduce((sum, ring) => sum + ringArea(ring), 0);
}
