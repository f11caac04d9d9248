import { posix } from 'node:path';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { areasOf } from './coco-areas.ts';
import { FormatUnreadable } from './errors.ts';
import type { FormatAnnotation, FormatFiles, FormatItem, ReadContext } from './format.ts';
import { noteSize } from './image-size-note.ts';
import { jsonParts } from './json-parts.ts';
import type { LossReport } from './loss-report.ts';
import { itemPath } from './paths.ts';
import { textOf } from './text-stream.ts';
import { partitionOfWord } from './yolo-partitions.ts';

/** Annotations of one item that are handed on together. */
const GROUP_SIZE = 500;
const MOST_IMAGES = 2_000_000;
/** Members that hold ids: integers beyond 2^53 are kept apart. */
const IDS = ['id', 'image_id', 'category_id'];
/** Members of an annotation that are read. */
const READ = [
  'id',
  'image_id',
  'category_id',
  'bbox',
  'area',
  'segmentation',
  'iscrowd',
  'keypoints',
  'num_keypoints',
];

interface Category {
  name: string;
  keypoints: readonly string[];
}

interface Heads {
  /** Path of the item by the id of its image. */
  images: Map<unknown, string>;
  categories: Map<unknown, Category>;
}

/**
 * Reads one file of COCO instances or keypoints. An annotation of which nothing can be read is left out and counted, and
 * so are captions and panoptic segments, which other files of the same folder hold.
 * @throws FormatUnreadable
 */
export async function* readCocoDocument(
  files: FormatFiles,
  path: string,
  context: ReadContext,
): AsyncGenerator<FormatItem> {
  const { losses } = context;
  const heads = await readHeads(files, path, context);
  const filePartition = findPartition(path);
  const bare = new Set(heads.images.values());
  const itemOf = (image: string, annotations: FormatAnnotation[]): FormatItem => {
    const partition = filePartition ?? findPartition(image);
    return { path: image, width: undefined, height: undefined, annotations, ...(partition && { partition }) };
  };
  let group: FormatAnnotation[] = [];
  let groupPath: string | undefined;
  const flush = (): FormatItem[] => {
    const full = groupPath === undefined || group.length === 0 ? [] : [itemOf(groupPath, group)];
    group = [];
    return full;
  };
  for await (const { key, isElement, value } of parts(files, path, ['images', 'categories'])) {
    if (key !== 'annotations' || !isElement) continue;
    if (!isJsonObject(value)) throw new FormatUnreadable('coco', path, 'an annotation is not an object');
    const other = ofAnotherTask(value);
    if (other !== undefined) {
      losses.dropped('annotation', other, value[other]);
      continue;
    }
    const image = heads.images.get(value.image_id);
    const category = heads.categories.get(value.category_id);
    if (image === undefined)
      throw new FormatUnreadable('coco', path, `${nameAnnotation(value)} is of an unknown image`);
    if (category === undefined)
      throw new FormatUnreadable('coco', path, `${nameAnnotation(value)} is of an unknown category`);
    if (image !== groupPath || group.length >= GROUP_SIZE) yield* flush();
    groupPath = image;
    const read = readAnnotation(value, { image, category, context });
    if (read.length > 0) bare.delete(image);
    group.push(...read);
  }
  yield* flush();
  for (const image of bare) yield itemOf(image, []);
}

/** The member that shows an annotation to be of another task: a caption, or the segments of a panoptic image. */
function ofAnotherTask(value: JsonObject): 'caption' | 'segments_info' | undefined {
  if (value.category_id !== undefined) return undefined;
  return (['caption', 'segments_info'] as const).find((member) => value[member] !== undefined);
}

/** The partition that the words of a path name, its file name first: `instances_train2017.json`, `valid/x.json`. */
function findPartition(path: string) {
  const [name, ...folders] = path.split('/').reverse();
  for (const part of [name!.replace(/\.[^.]*$/, ''), ...folders])
    for (const word of [part, ...part.split(/[_\-. ]+/)]) {
      const found = partitionOfWord(word);
      if (found !== undefined && found !== 'unassigned') return found;
    }
  return undefined;
}

async function readHeads(files: FormatFiles, path: string, context: ReadContext): Promise<Heads> {
  const { losses } = context;
  const heads: Heads = { images: new Map(), categories: new Map() };
  for await (const { key, isElement, value } of parts(files, path, ['annotations'])) {
    if (key === 'images' && isElement && isJsonObject(value)) {
      if (heads.images.size >= MOST_IMAGES)
        throw new FormatUnreadable('coco', path, `it has more than ${MOST_IMAGES} images`);
      const image = await findImage(path, value, context);
      takeId(heads.images, value.id, image, { path, kind: 'image', name: image, losses, known: String });
      noteOthers('image', value, ['id', 'file_name', 'width', 'height'], losses);
    } else if (key === 'categories' && isElement && isJsonObject(value)) {
      const { id, name, keypoints } = value;
      if (typeof name !== 'string') throw new FormatUnreadable('coco', path, 'a category has no name');
      const names = Array.isArray(keypoints) ? keypoints.filter((each) => typeof each === 'string') : [];
      const category = { name, keypoints: names };
      const known = (each: Category) => each.name;
      takeId(heads.categories, id, category, { path, kind: 'category', name, losses, known });
      const skeleton = Array.isArray(value.skeleton) && value.skeleton.length === 0 ? ['skeleton'] : [];
      noteOthers('category', value, ['id', 'name', 'keypoints', ...skeleton], losses);
    } else if (key === 'annotations') {
      if (!isElement) throw new FormatUnreadable('coco', path, 'its annotations are not a list');
    } else losses.dropped('file', key, value);
  }
  return heads;
}

/** Stores an entry by its id. @throws FormatUnreadable for an id that another entry has */
function takeId<T>(
  entries: Map<unknown, T>,
  id: unknown,
  entry: T,
  {
    path,
    kind,
    name,
    losses,
    known,
  }: { path: string; kind: string; name: string; losses: LossReport; known: (entry: T) => string },
): void {
  const earlier = entries.get(id);
  if (earlier === undefined) entries.set(id, entry);
  else if (known(earlier) === name) losses.dropped(kind, 'duplicate', name);
  else {
    const names = `${JSON.stringify(known(earlier))} and ${JSON.stringify(name)}`;
    throw new FormatUnreadable('coco', path, `the ${kind} id ${String(id)} is used twice, by ${names}`);
  }
}

/**
 * Returns the item path of an image.
 * Reports an image whose size is not the one that the file declares: its coordinates are of another picture size.
 */
async function findImage(file: string, image: JsonObject, context: ReadContext): Promise<string> {
  const name = typeof image.file_name === 'string' ? image.file_name.replaceAll('\\', '/') : image.file_name;
  const item = typeof name === 'string' ? await findNear(file, name, context) : undefined;
  const path = item?.path ?? itemPath('coco', file, climbed(file, name));
  const { width, height } = image;
  if (typeof width === 'number' && typeof height === 'number')
    noteSize(path, { width, height }, item, context.losses);
  return path;
}

/**
 * Finds the item of a file name near the file itself first, since data sets often have a folder per split with the same names:
 * in its folder, in the folder above, and there in `images` or in the folder that the file is named after.
 */
async function findNear(file: string, name: string, { findPath }: ReadContext) {
  const folder = posix.dirname(file);
  const after = /_([A-Za-z]+\d*)\.json$/.exec(file)?.[1];
  for (const place of ['.', '..', '../images', ...(after ? [`../${after}`, `../images/${after}`] : [])]) {
    const path = posix.join(folder, place, name);
    if (isClimbing(path)) continue;
    const found = await findPath(path);
    if (found?.path === path) return found;
  }
  return isClimbing(name) ? undefined : findPath(name.replace(/^(\.?\/)+/, ''));
}

/** A file name that leads up from the folder of its file, taken from there. */
function climbed(file: string, name: unknown): unknown {
  return typeof name === 'string' && name.startsWith('../') ? posix.join(posix.dirname(file), name) : name;
}

function isClimbing(path: string): boolean {
  return path === '..' || path.startsWith('../') || path.startsWith('/');
}

/** An annotation of the file as annotations of the item; none when nothing of it can be read. */
function readAnnotation(
  value: JsonObject,
  { image, category, context }: { image: string; category: Category; context: ReadContext },
): FormatAnnotation[] {
  const { losses } = context;
  const points = pointsOf(value, category, losses);
  const areas = areasOf(value, { image, hasPoints: points.length > 0, context });
  const crowd: JsonObject = isCrowd(value.iscrowd) ? { user: { isCrowd: true } } : {};
  const found = [
    ...areas.map(({ type, coordinates }) => annotation(type, category.name, coordinates, crowd)),
    ...points,
  ];
  if (found.length === 0) {
    const example = { image, annotation: value.id ?? null, bbox: value.bbox ?? null };
    losses.dropped('annotation', '*', example);
    return [];
  }
  const type = found[0]!.type;
  noteOthers(type, value, READ, losses);
  if (points.length > 0 && found.length > 1) losses.approximated(type, 'keypoints', value.keypoints);
  if (crowd.user !== undefined && areas.length === 0) losses.dropped(type, 'iscrowd', value.iscrowd);
  if (!isFlag(value.iscrowd)) losses.dropped(type, 'iscrowd', value.iscrowd);
  return found;
}

/** Tools write the flag as a number or as a boolean. */
function isCrowd(flag: Json | undefined): boolean {
  return flag === 1 || flag === true;
}

function isFlag(flag: Json | undefined): boolean {
  return flag === undefined || flag === null || [0, 1, false, true].includes(flag as number | boolean);
}

/** Every keypoint that is labelled, as a point of its own. */
function pointsOf({ keypoints }: JsonObject, category: Category, losses: LossReport): FormatAnnotation[] {
  if (keypoints === undefined || keypoints === null) return [];
  if (!isNumbers(keypoints) || keypoints.length % 3 !== 0) {
    losses.dropped('point', 'keypoints', keypoints);
    return [];
  }
  const points: FormatAnnotation[] = [];
  for (let at = 0; at < keypoints.length; at += 3) {
    const [x, y, visibility] = keypoints.slice(at, at + 3) as [number, number, number];
    if (visibility === 0) continue;
    if (visibility !== 2) losses.approximated('point', 'keypoints.visibility', visibility);
    points.push(annotation('point', category.keypoints[at / 3] ?? category.name, { x, y }));
  }
  return points;
}

function isNumbers(value: Json): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number');
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
    yield* jsonParts(textOf('coco', files, path), { skipped, exactIntegers: IDS });
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatUnreadable('coco', path, error.message, error);
    throw error;
  }
}

function nameAnnotation({ id }: JsonObject): string {
  return `annotation ${(JSON.stringify(id) ?? '?').slice(0, 40)}`;
}
