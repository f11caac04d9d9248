import { SaxesParser } from 'saxes';
import type { LayoutWriter } from '../../adapters/model-adapter.ts';
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
import { itemPath, Stems } from './paths.ts';
import { noteRest } from './rest.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces, textOf } from './text-stream.ts';

const FOLDER = 'Annotations/';
/** Attributes that have an element of their own in an object, in the order of the development kit. */
const FLAGS = ['truncated', 'difficult', 'occluded'];
const MAX_DEPTH = 16;
const MAX_TEXT_CHARS = 64 * 1024;
/** The parser keeps a text, or what else is not closed, until its end. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const GROUP_SIZE = 500;

/**
 * Pascal VOC: `Annotations/<path>.xml` an item with an `object` a box, and lists of names by partition in
 * `ImageSets/Main/`. Corners are pixels from 0 with their fractions, as most tools write them; the development
 * kit itself counts from 1. The attributes `truncated`, `difficult` and `occluded` are the elements of these names.
 * Source: host.robots.ox.ac.uk/pascal/VOC, development kit 2012.
 */
export class VocFormat implements AnnotationFormat {
  readonly types = ['box'];
  readonly mediaFolder = 'JPEGImages/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const own = paths.filter((path) => this.#isAnnotationFile(path));
    const documents = own.filter((path) => path.endsWith('.xml'));
    const known = await findByContent(files, documents, (text) => /<annotation[\s>]/.test(text));
    return {
      evidence: known && `${known} is an XML document <annotation>`,
      annotationFiles: documents.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
    };
  }

  async write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void> {
    const stems = new Stems('voc');
    for (const partition of source.partitions) {
      const names: string[] = [];
      for await (const item of source.items(partition)) {
        const stem = stems.take(item.path);
        await layout.write(`${FOLDER}${stem}.xml`, inPieces(documentOf(item, losses)));
        names.push(`${stem}\n`);
      }
      await layout.write(`ImageSets/Main/${partition}.txt`, inPieces(names));
    }
  }

  async *read(files: FormatFiles, { losses }: ReadContext): AsyncGenerator<FormatItem> {
    for (const path of await files.list())
      if (path.endsWith('.xml') && this.#isAnnotationFile(path)) yield* readDocument(files, path, losses);
  }

  #isAnnotationFile(path: string): boolean {
    return /\.(xml|txt)$/.test(path) && !path.startsWith(this.mediaFolder) && !isClutter(path);
  }
}

function* documentOf(
  { path, width, height, annotations }: FormatItem,
  losses: LossReport,
): Generator<string> {
  yield `<annotation>\n  <folder>JPEGImages</folder>\n  <filename>${escaped(path)}</filename>\n`;
  if (width !== undefined && height !== undefined)
    yield `  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>\n`;
  for (const annotation of annotations) yield objectOf(annotation, losses);
  yield '</annotation>\n';
}

function objectOf(annotation: FormatAnnotation, losses: LossReport): string {
  const { type, label, attributes } = annotation;
  if (type !== 'box' || !isXmlText(label)) {
    losses.dropped(type, '*', label);
    return '';
  }
  const box = uprightBox(annotation, losses);
  if (box === undefined) return '';
  const given = Array.isArray(attributes) ? attributes : [];
  const flags = FLAGS.filter((flag) => given.includes(flag));
  const isHeld = Array.isArray(attributes) && flags.join() === given.join();
  if (!isHeld) losses.approximated(type, 'attributes', attributes);
  noteRest(annotation, losses, { attributes: true });
  const elements = [
    `<name>${escaped(label)}</name>`,
    ...FLAGS.map((flag) => `<${flag}>${flags.includes(flag) ? 1 : 0}</${flag}>`),
    `<bndbox><xmin>${box.left}</xmin><ymin>${box.top}</ymin><xmax>${box.right}</xmax><ymax>${box.bottom}</ymax></bndbox>`,
  ];
  return `  <object>${elements.join('')}</object>\n`;
}

/** True when XML 1.0 can hold the text at all. */
function isXmlText(text: string): boolean {
  return text.isWellFormed() && !/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text);
}

/** Line ends are written by number: a reader would make a line feed of a carriage return. */
function escaped(text: string): string {
  return text.replace(/[<>&"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Elements and texts as they come; refused is what only an attack needs. */
class VocReader {
  /** Names of the elements that are open. */
  readonly #open: string[] = [];
  readonly #losses: LossReport;
  readonly #file: string;
  #text = '';
  #object: Map<string, string> | undefined;
  filename: string | undefined;
  readonly found: FormatAnnotation[] = [];

  constructor(file: string, losses: LossReport) {
    this.#file = file;
    this.#losses = losses;
  }

  start(name: string): void {
    if (this.#open.length >= MAX_DEPTH) throw this.#refused(`it is deeper than ${MAX_DEPTH} elements`);
    if (this.#open.length === 0 && name !== 'annotation')
      throw this.#refused(`its outermost element is ${name}, not annotation`);
    this.#open.push(name);
    this.#text = '';
    if (this.#open.join('/') === 'annotation/object') this.#object = new Map();
  }

  text(text: string): void {
    this.#text += text;
    if (this.#text.length > MAX_TEXT_CHARS)
      throw this.#refused(`it has a text of more than ${MAX_TEXT_CHARS} characters`);
  }

  end(): void {
    const place = this.#open.join('/');
    this.#open.pop();
    const text = this.#text;
    this.#text = '';
    if (place === 'annotation/object') this.#take(this.#object!);
    else if (this.#object) this.#note(place.slice('annotation/object/'.length), text);
    else if (place === 'annotation/filename') this.filename = itemPath('voc', this.#file, text.trim());
    else if (!/^annotation(\/(folder|size(\/(width|height|depth))?))?$/.test(place) && text.trim() !== '')
      this.#losses.dropped('file', place.slice('annotation/'.length), text);
  }

  /** An object's element, the first of a name; a group such as `bndbox` has no text of its own. */
  #note(place: string, text: string): void {
    if (!this.#object!.has(place)) this.#object!.set(place, text);
    else if (text.trim() !== '') this.#losses.dropped('box', place, text);
  }

  #take(object: ReadonlyMap<string, string>): void {
    const label = object.get('name');
    const [left, top, right, bottom] = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) =>
      numberOf(object.get(`bndbox/${side}`)),
    );
    if (label === undefined) throw this.#refused('an object has no name');
    if (left === undefined || top === undefined || right === undefined || bottom === undefined)
      throw this.#refused(`the object ${JSON.stringify(label.slice(0, 60))} has no bndbox of four numbers`);
    const attributes = FLAGS.filter((flag) => numberOf(object.get(flag)) === 1);
    for (const [place, text] of object) if (!isHeld(place, text)) this.#losses.dropped('box', place, text);
    const coordinates = boxCoordinates({ left, top, right, bottom });
    this.found.push({ type: 'box', label, attributes, coordinates, metadata: { system: {} } });
  }

  #refused(problem: string): FormatUnreadable {
    return new FormatUnreadable('voc', this.#file, problem);
  }
}

function isHeld(place: string, text: string): boolean {
  if (text.trim() === '' || place === 'name' || /^bndbox(\/[xy]m(in|ax))?$/.test(place)) return true;
  if (FLAGS.includes(place)) return text.trim() === '0' || text.trim() === '1';
  return place === 'pose' && text.trim() === 'Unspecified';
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

async function* readDocument(
  files: FormatFiles,
  path: string,
  losses: LossReport,
): AsyncGenerator<FormatItem> {
  const reader = new VocReader(path, losses);
  const parser = new SaxesParser();
  parser.on('doctype', () => {
    throw new FormatUnreadable('voc', path, 'it has a document type, of which nothing is read');
  });
  parser.on('error', (error) => {
    throw new FormatUnreadable('voc', path, `it is no XML: ${error.message}`, error);
  });
  parser.on('opentag', ({ name }) => reader.start(name));
  parser.on('text', (text) => reader.text(text));
  parser.on('cdata', (text) => reader.text(text));
  parser.on('closetag', () => reader.end());
  const group = function* (least: number): Generator<FormatItem> {
    if (reader.filename === undefined || reader.found.length < least) return;
    const annotations = reader.found.splice(0);
    yield { path: reader.filename, width: undefined, height: undefined, annotations };
  };
  for await (const text of textOf('voc', files, path, MAX_FILE_BYTES)) {
    parser.write(text);
    yield* group(GROUP_SIZE);
  }
  parser.close();
  if (reader.filename === undefined) throw new FormatUnreadable('voc', path, 'it has no filename');
  yield* group(1);
}
