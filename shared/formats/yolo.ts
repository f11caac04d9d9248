import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { type Rectangle, readRings } from '../annotations/shapes.ts';
import { uprightBox } from './boxes.ts';
import { FormatUnreadable } from './errors.ts';
import type {
  AnnotationFormat,
  FormatAnnotation,
  FormatFiles,
  FormatItem,
  FormatSource,
  FoundItem,
  ReadContext,
  Survey,
} from './format.ts';
import type { LossReport } from './loss-report.ts';
import { Stems } from './paths.ts';
import { noteCorners, noteRest } from './rest.ts';
import { inPieces, linesOf } from './text-stream.ts';
import {
  evidenceOf,
  readYoloSettings,
  sortYoloFiles,
  stemOfOrphan,
  type YoloFiles,
  type YoloSettings,
} from './yolo-layout.ts';
import { readLine, type Size } from './yolo-line.ts';
import { namesFor } from './yolo-names.ts';

const NAMES = 'classes.txt';
const LABELS = 'labels/';
/** Digits behind the point that parts of the image's side are written with. */
const PART_DIGITS = 12;
const MAX_LINE_CHARS = 1024 * 1024;
const GROUP_SIZE = 500;

/**
 * YOLO's text form: `labels/<path>.txt` with a line an annotation, `class cx cy width height` for a box and
 * `class x1 y1 x2 y2 ...` for a polygon, all in parts of the image's sides; names of classes in `classes.txt`, a line
 * each; lists of images by partition, and a `data.yaml` that names them. Source: docs.ultralytics.com, "Detect" and "Segment".
 * Read are the layouts of docs/FORMATS.md.
 */
export class YoloFormat implements AnnotationFormat {
  readonly types = ['box', 'segment'];
  readonly mediaFolder = 'images/';

  readonly #sorted = new WeakMap<FormatFiles, Promise<YoloFiles>>();

  async survey(files: FormatFiles): Promise<Survey> {
    const sorted = await this.#sort(files);
    return {
      evidence: await evidenceOf(files, sorted),
      annotationFiles: new Set(sorted.labels.values()).size + sorted.orphans.length,
      media: sorted.pictures,
    };
  }

  async write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void> {
    const classes = new Classes(source.labels);
    const stems = new Stems('yolo');
    for (const partition of source.partitions) {
      const images: string[] = [];
      for await (const item of source.items(partition)) {
        const lines = item.annotations.flatMap((each) => linesFor(each, item, classes, losses));
        await layout.write(`${LABELS}${stems.take(item.path)}.txt`, lines.join(''));
        images.push(`./${this.mediaFolder}${item.path}\n`);
      }
      await layout.write(`${partition}.txt`, inPieces(images));
    }
    await layout.write(NAMES, inPieces(classes.names.map((name) => `${name}\n`)));
    await layout.write('data.yaml', dataYaml(source.partitions, classes.names));
  }

  async *read(files: FormatFiles, context: ReadContext): AsyncGenerator<FormatItem> {
    const { losses, findPath, findStem } = context;
    const sorted = await this.#sort(files);
    const settings = await readYoloSettings(files, sorted);
    losses.add(settings.losses);
    for (const { file, path } of sorted.pictures) {
      const partition = settings.partitions.of.get(file);
      const labels = sorted.labels.get(file);
      const find = () => findPath(path);
      const item = { path, width: undefined, height: undefined, annotations: [], partition };
      if (labels === undefined) yield item;
      else yield* readLabels(files, labels, { ...settings, losses, find, item });
    }
    for (const labels of sorted.orphans) {
      const stem = stemOfOrphan(labels);
      const find = () => findStem(stem);
      const item = { path: stem, width: undefined, height: undefined, annotations: [] };
      yield* readLabels(files, labels, { ...settings, losses, find, item });
    }
    for (const { path, partition, place } of settings.partitions.elsewhere) {
      const found = await findPath(path);
      if (found === undefined) losses.dropped('file', 'listed image', place);
      else if (partition !== 'unassigned')
        yield { path: found.path, width: undefined, height: undefined, annotations: [], partition };
    }
  }

  #sort(files: FormatFiles): Promise<YoloFiles> {
    const known = this.#sorted.get(files) ?? sortYoloFiles(files);
    this.#sorted.set(files, known);
    return known;
  }
}

class Classes {
  readonly names: string[] = [];
  readonly #ids = new Map<string, number>();

  constructor(labels: readonly string[]) {
    for (const label of labels) if (isLine(label)) this.idOf(label);
  }

  idOf(label: string): number {
    const known = this.#ids.get(label);
    if (known !== undefined) return known;
    this.names.push(label);
    this.#ids.set(label, this.names.length - 1);
    return this.names.length - 1;
  }
}

/** A name that can stand on a line by itself. */
function isLine(label: string): boolean {
  return label !== '' && !/[\r\n]/.test(label) && label.isWellFormed();
}

/** The lines of one annotation: a polygon of several rings has a line a ring. */
function linesFor(
  annotation: FormatAnnotation,
  item: FormatItem,
  classes: Classes,
  losses: LossReport,
): string[] {
  const { type, label } = annotation;
  if (type !== 'box' && type !== 'segment') {
    losses.dropped(type, '*', label);
    return [];
  }
  const { width, height } = item;
  if (!isLine(label) || width === undefined || height === undefined) {
    losses.dropped(type, '*', isLine(label) ? `${item.path} has no width and height` : label);
    return [];
  }
  const numbers =
    type === 'box'
      ? boxNumbers(annotation, { width, height }, losses)
      : ringNumbers(annotation, { width, height }, losses);
  if (numbers.length === 0) return [];
  noteRest(annotation, losses);
  const id = classes.idOf(label);
  return numbers.map((each) => `${id} ${each.map(partText).join(' ')}\n`);
}

function boxNumbers(annotation: FormatAnnotation, size: Size, losses: LossReport): number[][] {
  const box = uprightBox(annotation, losses);
  if (box === undefined) return [];
  const inside = clipped(box, size);
  if (inside.right < inside.left || inside.bottom < inside.top) {
    losses.dropped(annotation.type, '*', annotation.coordinates);
    return [];
  }
  if (isChanged(box, inside))
    losses.approximated(annotation.type, 'coordinates.outside', annotation.coordinates);
  const { left, top, right, bottom } = inside;
  return [
    [
      (left + right) / 2 / size.width,
      (top + bottom) / 2 / size.height,
      (right - left) / size.width,
      (bottom - top) / size.height,
    ],
  ];
}

function ringNumbers(
  { type, coordinates = null }: FormatAnnotation,
  size: Size,
  losses: LossReport,
): number[][] {
  const rings = readRings(coordinates);
  if (rings === undefined) {
    losses.dropped(type, '*', coordinates);
    return [];
  }
  noteCorners(type, rings.flat(), losses);
  if (rings.length > 1) losses.approximated(type, 'coordinates.rings', coordinates);
  const isOutside = rings.flat().some(({ x, y }) => x < 0 || y < 0 || x > size.width || y > size.height);
  if (isOutside) losses.approximated(type, 'coordinates.outside', coordinates);
  return rings.map((ring) =>
    ring.flatMap(({ x, y }) => [bounded(x, size.width) / size.width, bounded(y, size.height) / size.height]),
  );
}

function clipped({ left, top, right, bottom }: Rectangle, { width, height }: Size): Rectangle {
  return {
    left: Math.max(0, left),
    top: Math.max(0, top),
    right: Math.min(width, right),
    bottom: Math.min(height, bottom),
  };
}

function isChanged(a: Rectangle, b: Rectangle): boolean {
  return a.left !== b.left || a.top !== b.top || a.right !== b.right || a.bottom !== b.bottom;
}

function bounded(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}

function partText(part: number): string {
  return part.toFixed(PART_DIGITS).replace(/\.?0+$/, '');
}

/** Names are quoted as JSON, which YAML reads. */
function dataYaml(partitions: readonly string[], names: readonly string[]): string {
  const fileOf = (partition: string) => (partitions.includes(partition) ? [`${partition}.txt`] : []);
  const lines = [
    'path: .',
    ...fileOf('train').map((file) => `train: ${file}`),
    ...fileOf('validation').map((file) => `val: ${file}`),
    ...fileOf('test').map((file) => `test: ${file}`),
    'names:',
    ...names.map((name, index) => `  ${index}: ${JSON.stringify(name)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Reads one label file, in groups of annotations; without any, the item comes once without. */
async function* readLabels(
  files: FormatFiles,
  path: string,
  from: YoloSettings & { find: () => Promise<FoundItem | undefined>; item: FormatItem },
): AsyncGenerator<FormatItem> {
  const { losses, pose, find } = from;
  let item = from.item;
  let names: ReturnType<typeof namesFor> | undefined;
  let size: Size | undefined;
  let isFound = false;
  let group: FormatAnnotation[] = [];
  let isGiven = false;
  let number = 0;
  const seen = new Set<string>();
  for await (const line of linesOf('yolo', files, path, MAX_LINE_CHARS)) {
    number += 1;
    if (line.trim() === '') continue;
    if (names === undefined) {
      names = namesFor(path, from.names);
      const found = await find();
      isFound = found !== undefined;
      item = { ...item, ...found };
      size = sizeOf(item);
    }
    const place = `${path}:${number}`;
    const read = readLine(line, place, { names, pose }, size ?? UNIT, losses);
    if (typeof read === 'string') throw new FormatUnreadable('yolo', path, `line ${number} ${read}`);
    const text = line.trim().replaceAll(/\s+/g, ' ');
    if (seen.has(text)) {
      for (const { type } of read) losses.dropped(type, 'duplicate', `${place}: ${text}`);
      continue;
    }
    seen.add(text);
    // Labels of an item that is not there are for the importer to report.
    if (size === undefined && isFound)
      for (const { type } of read)
        losses.dropped(type, '*', `${place}: ${item.path} has no known width and height`);
    if (size === undefined) continue;
    group.push(...read);
    if (group.length < GROUP_SIZE) continue;
    yield { ...item, annotations: group };
    isGiven = true;
    group = [];
  }
  if (group.length > 0 || !isGiven) yield { ...item, annotations: group };
}

/** Lines of items without a size are read as of this one, and given to nobody. */
const UNIT: Size = { width: 1, height: 1 };

function sizeOf({ width, height }: FormatItem): Size | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}
