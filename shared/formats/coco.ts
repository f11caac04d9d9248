import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { isCrowd } from '../annotations/crowd.ts';
import { type Rectangle, readPoint, readRings, rectangleAround } from '../annotations/shapes.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { countsOf, countsOfText, maskOfCounts } from '../masks/coco-rle.ts';
import { binaryOfMask, maskOfBinary } from '../masks/png-mask.ts';
import type { Corner } from '../masks/polygon-mask.ts';
import { areaOf, isMaskSize, type RunMask } from '../masks/run-mask.ts';
import { boxCoordinates, uprightBox } from './boxes.ts';
import { FormatUnreadable } from './errors.ts';
import type {
  AnnotationFormat,
  FormatAnnotation,
  FormatFiles,
  FormatItem,
  FormatSource,
  ReadContext,
  Survey,
} from './format.ts';
import { jsonParts } from './json-parts.ts';
import type { LossReport } from './loss-report.ts';
import { itemPath } from './paths.ts';
import { noteCorners, noteRest } from './rest.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces, textOf } from './text-stream.ts';

const CROWD = 'metadata.user.isCrowd';
/** Annotations of one item that are handed on together. */
const GROUP_SIZE = 500;
const MOST_IMAGES = 2_000_000;

/**
 * COCO instances, one `annotations/instances_<partition>.json` a partition: boxes, polygons, masks as lengths of runs,
 * points as keypoints one by one. Source: cocodataset.org, "Data format".
 */
export class CocoFormat implements AnnotationFormat {
  readonly types = ['box', 'segment', 'binary', 'point'];
  readonly mediaFolder = 'images/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const own = paths.filter((path) => this.#isAnnotationFile(path));
    const known = await findByContent(files, own, isCoco);
    return {
      evidence: known && `${known} lists images or annotations with category ids`,
      annotationFiles: own.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
    };
  }

  async write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void> {
    for (const partition of source.partitions)
      await layout.write(
        `annotations/instances_${partition}.json`,
        inPieces(documentOf(source, partition, losses)),
      );
  }

  async *read(files: FormatFiles, { losses }: ReadContext): AsyncGenerator<FormatItem> {
    for (const path of (await files.list()).filter((each) => this.#isAnnotationFile(each)))
      yield* readDocument(files, path, losses);
  }

  #isAnnotationFile(path: string): boolean {
    return path.endsWith('.json') && !path.startsWith(this.mediaFolder) && !isClutter(path);
  }
}

function isCoco(text: string): boolean {
  return /"(image_id|file_name|category_id|supercategory)"\s*:/.test(text);
}

/** Images first, then annotations, and last the categories, which are known by then. */
async function* documentOf(
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
      return { segmentation, bbox: bboxOfMask(mask), area: areaOf(mask) };
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

function bboxOfMask({ runs, height }: RunMask): Json {
  if (runs.length === 0) return [0, 0, 0, 0];
  let [top, bottom] = [height, 0];
  const [left, right] = [Math.floor(runs[0]! / height), Math.floor((runs.at(-1)! - 1) / height)];
  for (let at = 0; at < runs.length; at += 2) {
    const [start, last] = [runs[at]!, runs[at + 1]! - 1];
    const isOneColumn = Math.floor(start / height) === Math.floor(last / height);
    top = Math.min(top, isOneColumn ? start % height : 0);
    bottom = Math.max(bottom, isOneColumn ? last % height : height - 1);
  }
  return [left, top, right - left + 1, bottom - top + 1];
}

/** Gauss' formula, ring by ring. */
function polygonArea(rings: readonly (readonly Corner[])[]): number {
  return rings.reduce((sum, ring) => {
    const twice = ring.reduce((part, { x, y }, index) => {
      const next = ring[(index + 1) % ring.length]!;
      return part + x * next.y - next.x * y;
    }, 0);
    return sum + Math.abs(twice) / 2;
  }, 0);
}

/** COCO takes all polygons of an annotation together: a ring within another one would be no hole any more. */
function mayOverlap(rings: readonly (readonly Corner[])[]): boolean {
  const around = rings.map(rectangleAround);
  return around.some((a, at) =>
    around
      .slice(at + 1)
      .some((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom),
  );
}

interface Category {
  name: string;
  keypoints: readonly string[];
}

interface Heads {
  images: Map<unknown, string>;
  categories: Map<unknown, Category>;
}

async function* readDocument(
  files: FormatFiles,
  path: string,
  losses: LossReport,
): AsyncGenerator<FormatItem> {
  const heads = await readHeads(files, path, losses);
  let group: FormatAnnotation[] = [];
  let groupPath: string | undefined;
  const flush = (): FormatItem[] => {
    const full = groupPath === undefined || group.length === 0 ? [] : [itemOf(groupPath, group)];
    group = [];
    return full;
  };
  for await (const { key, isElement, value } of parts(files, path, ['images', 'categories'])) {
    if (key !== 'annotations' || !isElement) continue;
    if (!isJsonObject(value)) throw new FormatUnreadable('coco', path, 'an annotation is no object');
    const image = heads.images.get(value.image_id);
    const category = heads.categories.get(value.category_id);
    if (image === undefined)
      throw new FormatUnreadable('coco', path, `${told(value)} is of an unknown image`);
    if (category === undefined)
      throw new FormatUnreadable('coco', path, `${told(value)} is of an unknown category`);
    if (image !== groupPath || group.length >= GROUP_SIZE) yield* flush();
    groupPath = image;
    const read = annotationsOf(value, category, losses);
    if (read === undefined)
      throw new FormatUnreadable(
        'coco',
        path,
        `${told(value)} has no bbox, segmentation or keypoints that can be read`,
      );
    group.push(...read);
  }
  yield* flush();
}

function itemOf(path: string, annotations: FormatAnnotation[]): FormatItem {
  return { path, width: undefined, height: undefined, annotations };
}

async function readHeads(files: FormatFiles, path: string, losses: LossReport): Promise<Heads> {
  const heads: Heads = { images: new Map(), categories: new Map() };
  for await (const { key, isElement, value } of parts(files, path, ['annotations'])) {
    if (key === 'images' && isElement && isJsonObject(value)) {
      if (heads.images.size >= MOST_IMAGES)
        throw new FormatUnreadable('coco', path, `it has more than ${MOST_IMAGES} images`);
      heads.images.set(value.id, itemPath('coco', path, value.file_name));
      noteOthers('image', value, ['id', 'file_name', 'width', 'height'], losses);
    } else if (key === 'categories' && isElement && isJsonObject(value)) {
      const { id, name, keypoints } = value;
      if (typeof name !== 'string') throw new FormatUnreadable('coco', path, 'a category has no name');
      const names = Array.isArray(keypoints) ? keypoints.filter((each) => typeof each === 'string') : [];
      heads.categories.set(id, { name, keypoints: names });
      const skeleton = Array.isArray(value.skeleton) && value.skeleton.length === 0 ? ['skeleton'] : [];
      noteOthers('category', value, ['id', 'name', 'keypoints', ...skeleton], losses);
    } else if (key === 'annotations') {
      if (!isElement) throw new FormatUnreadable('coco', path, 'its annotations are no list');
    } else losses.dropped('file', key, value);
  }
  return heads;
}

/** `undefined` when nothing of it can be read. */
function annotationsOf(
  value: JsonObject,
  category: Category,
  losses: LossReport,
): FormatAnnotation[] | undefined {
  const crowd: JsonObject = value.iscrowd === 1 ? { user: { isCrowd: true } } : {};
  const points = pointsOf(value, category, losses);
  const area = areaShapeOf(value, points !== undefined);
  if (area === 'unreadable' || (area === undefined && points === undefined)) return undefined;
  const found = [
    ...(area ? [annotation(area.type, category.name, area.coordinates, crowd)] : []),
    ...(points ?? []),
  ];
  const type = found[0]?.type ?? 'point';
  noteOthers(
    type,
    value,
    [
      'id',
      'image_id',
      'category_id',
      'bbox',
      'area',
      'segmentation',
      'iscrowd',
      'keypoints',
      'num_keypoints',
    ],
    losses,
  );
  if (found.length > 1) losses.approximated(type, 'keypoints', value.keypoints);
  if (crowd.user !== undefined && !area) losses.dropped(type, 'iscrowd', 1);
  return found;
}

function areaShapeOf(
  { segmentation, bbox }: JsonObject,
  hasPoints: boolean,
): { type: string; coordinates: Json } | 'unreadable' | undefined {
  if (isJsonObject(segmentation)) {
    const mask = maskOfRle(segmentation);
    return mask === undefined ? 'unreadable' : { type: 'binary', coordinates: binaryOfMask(mask) };
  }
  if (Array.isArray(segmentation) && segmentation.length > 0) {
    const rings = segmentation.map(ringOf);
    if (rings.some((ring) => ring === undefined)) return 'unreadable';
    return { type: 'segment', coordinates: rings as Json };
  }
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((each) => typeof each === 'number'))
    return bbox === undefined || bbox === null ? undefined : 'unreadable';
  const [left, top, width, height] = bbox as [number, number, number, number];
  if (width < 0 || height < 0) return 'unreadable';
  if (hasPoints && width === 0 && height === 0) return undefined;
  return {
    type: 'box',
    coordinates: boxCoordinates({ left, top, right: left + width, bottom: top + height }),
  };
}

function maskOfRle({ size, counts }: JsonObject): RunMask | undefined {
  if (!Array.isArray(size)) return undefined;
  const [height, width] = size;
  if (typeof width !== 'number' || typeof height !== 'number' || !isMaskSize(width, height)) return undefined;
  const lengths = typeof counts === 'string' ? countsOfText(counts) : counts;
  if (!Array.isArray(lengths) || !lengths.every((each) => typeof each === 'number')) return undefined;
  return maskOfCounts(lengths as number[], width, height);
}

function ringOf(flat: Json): Json | undefined {
  if (!Array.isArray(flat) || flat.length < 6 || flat.length % 2 !== 0) return undefined;
  if (!flat.every((each) => typeof each === 'number')) return undefined;
  return Array.from({ length: flat.length / 2 }, (_, at) => ({ x: flat[2 * at]!, y: flat[2 * at + 1]! }));
}

/** Every keypoint that is labelled, as a point of its own; `undefined` when the annotation has none. */
function pointsOf(
  { keypoints }: JsonObject,
  category: Category,
  losses: LossReport,
): FormatAnnotation[] | undefined {
  if (!Array.isArray(keypoints) || keypoints.length === 0 || keypoints.length % 3 !== 0) return undefined;
  if (!keypoints.every((each) => typeof each === 'number')) return undefined;
  const points: FormatAnnotation[] = [];
  for (let at = 0; at < keypoints.length; at += 3) {
    const [x, y, visibility] = keypoints.slice(at, at + 3) as [number, number, number];
    if (visibility === 0) continue;
    if (visibility !== 2) losses.approximated('point', 'keypoints.visibility', visibility);
    points.push(annotation('point', category.keypoints[at / 3] ?? category.name, { x, y }));
  }
  return points;
}

function annotation(type: string, label: string, coordinates: Json, more: JsonObject = {}): FormatAnnotation {
  return { type, label, attributes: [], coordinates, metadata: { system: {}, ...more } };
}

function noteOthers(type: string, value: JsonObject, held: readonly string[], losses: LossReport): void {
  for (const [name, inner] of Object.entries(value))
    if (!held.includes(name)) losses.dropped(type, name, inner);
}

async function* parts(files: FormatFiles, path: string, skipped: readonly string[]) {
  try {
    yield* jsonParts(textOf('coco', files, path), skipped);
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatUnreadable('coco', path, error.message, error);
    throw error;
  }
}

function told({ id }: JsonObject): string {
  return `annotation ${(JSON.stringify(id) ?? '?').slice(0, 40)}`;
}
