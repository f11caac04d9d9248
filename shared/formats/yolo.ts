import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { type Rectangle, readRings } from '../annotations/shapes.ts';
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
import type { LossReport } from './loss-report.ts';
import { itemPath, Stems, stemOf } from './paths.ts';
import { noteCorners, noteRest } from './rest.ts';
import { isClutter, mediaBelow } from './survey.ts';
import { inPieces, linesOf } from './text-stream.ts';

const NAMES = 'classes.txt';
const LABELS = 'labels/';
/** Digits behind the point: parts of the image's side are written with these, pixels are read with those. */
const PART_DIGITS = 12;
const PIXEL_DIGITS = 6;
const MAX_LINE_CHARS = 1024 * 1024;
const MOST_LABELS = 100_000;
const GROUP_SIZE = 500;

/**
 * YOLO's text form: `labels/<path>.txt` with a line an annotation, `class cx cy width height` for a box and
 * `class x1 y1 x2 y2 ...` for a polygon, all in parts of the image's sides; names of classes in `classes.txt`, a line
 * each; lists of images by partition, and a `data.yaml` that names them. Source: docs.ultralytics.com, "Detect" and "Segment".
 */
export class YoloFormat implements AnnotationFormat {
  readonly types = ['box', 'segment'];
  readonly mediaFolder = 'images/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const labels = paths.filter((path) => path.startsWith(LABELS) && path.endsWith('.txt'));
    return {
      evidence: labels.length > 0 && paths.includes(NAMES) ? `${NAMES} beside ${LABELS}` : undefined,
      annotationFiles: labels.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
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
    const paths = await files.list();
    const labels = paths.filter((path) => path.startsWith(LABELS) && path.endsWith('.txt'));
    if (labels.length === 0) return;
    const names = await readNames(files, paths);
    for (const path of labels) yield* readLabels(files, path, names, context);
  }

  #isAnnotationFile(path: string): boolean {
    return /\.(txt|ya?ml)$/.test(path) && !path.startsWith(this.mediaFolder) && !isClutter(path);
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

interface Size {
  width: number;
  height: number;
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

async function readNames(files: FormatFiles, paths: readonly string[]): Promise<string[]> {
  if (!paths.includes(NAMES))
    throw new FormatUnreadable('yolo', NAMES, 'it is missing; it names the classes, one a line');
  const names: string[] = [];
  for await (const line of linesOf('yolo', files, NAMES, MAX_LINE_CHARS)) {
    if (names.length >= MOST_LABELS)
      throw new FormatUnreadable('yolo', NAMES, `it has more than ${MOST_LABELS} lines`);
    names.push(line);
  }
  while (names.at(-1) === '') names.pop();
  if (names.includes('')) throw new FormatUnreadable('yolo', NAMES, 'it has an empty line between names');
  return names;
}

async function* readLabels(
  files: FormatFiles,
  path: string,
  names: readonly string[],
  { losses, findStem }: ReadContext,
): AsyncGenerator<FormatItem> {
  const stem = stemOf(itemPath('yolo', path, path.slice(LABELS.length)));
  const item = (await findStem(stem)) ?? { path: stem, width: undefined, height: undefined };
  let group: FormatAnnotation[] = [];
  let number = 0;
  for await (const line of linesOf('yolo', files, path, MAX_LINE_CHARS)) {
    number += 1;
    if (line.trim() === '') continue;
    const { width, height } = item;
    // Of an item that is not there, the lines are read as they would be, and told as missing by who asked.
    const size = { width: width ?? 1, height: height ?? 1 };
    const read = readLine(line, names, size, losses);
    if (typeof read === 'string') throw new FormatUnreadable('yolo', path, `line ${number} ${read}`);
    group.push(read);
    if (group.length < GROUP_SIZE) continue;
    yield { ...item, annotations: group };
    group = [];
  }
  if (group.length > 0) yield { ...item, annotations: group };
}

/** The annotation, or what is wrong with the line. */
function readLine(
  line: string,
  names: readonly string[],
  size: Size,
  losses: LossReport,
): FormatAnnotation | string {
  const words = line.trim().split(/[ \t]+/);
  const [id, ...parts] = words.map(Number);
  if (words.some((word) => !/^[-+.\deE]+$/.test(word)) || ![id, ...parts].every(Number.isFinite))
    return 'holds something that is no number';
  const label = names[id!];
  if (label === undefined) return `has class ${id}, and ${NAMES} has ${names.length} names`;
  const type = parts.length === 4 || parts.length === 5 ? 'box' : 'segment';
  if (type === 'segment' && (parts.length < 6 || parts.length % 2 !== 0))
    return `has ${parts.length} numbers behind the class: a box has 4, a polygon 6 or more by twos`;
  if (parts.length === 5) losses.dropped('box', 'confidence', parts[4]);
  const coordinates = type === 'box' ? boxOf(parts, size) : [ringOf(parts, size)];
  return { type, label, attributes: [], coordinates, metadata: { system: {} } };
}

function boxOf(parts: readonly number[], size: Size) {
  const [x, y, width, height] = parts as [number, number, number, number];
  return boxCoordinates({
    left: pixel((x - width / 2) * size.width),
    top: pixel((y - height / 2) * size.height),
    right: pixel((x + width / 2) * size.width),
    bottom: pixel((y + height / 2) * size.height),
  });
}

function ringOf(parts: readonly number[], size: Size) {
  return Array.from({ length: parts.length / 2 }, (_, at) => ({
    x: pixel(parts[2 * at]! * size.width),
    y: pixel(parts[2 * at + 1]! * size.height),
  }));
}

/** Adding 0 makes 0 of -0. */
function pixel(value: number): number {
  return Number(value.toFixed(PIXEL_DIGITS)) + 0;
}
