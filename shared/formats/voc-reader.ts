import { posix } from 'node:path';
import { SaxesParser } from 'saxes';
import type { Partition } from '../entities/item.ts';
import { boxCoordinates } from './boxes.ts';
import { FormatUnreadable } from './errors.ts';
import type { FormatAnnotation, FormatFiles, FormatItem, ReadContext } from './format.ts';
import { noteSize } from './image-size-note.ts';
import type { LossReport } from './loss-report.ts';
import { itemPath, stemOf } from './paths.ts';
import { textOf } from './text-stream.ts';
import { partitionOfWord } from './yolo-partitions.ts';

/** Attributes that have an element of their own in an object, in the order of the development kit. */
export const FLAGS = ['truncated', 'difficult', 'occluded'];
const MAX_DEPTH = 16;
const MAX_TEXT_CHARS = 64 * 1024;
/** The parser keeps a text, or what else is not closed, until its end. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const GROUP_SIZE = 500;

/** Elements and texts as they come; refused is what only an attack needs. */
class VocReader {
  /** Names of the elements that are open. */
  readonly #open: string[] = [];
  readonly #losses: LossReport;
  readonly #file: string;
  #text = '';
  #object: Map<string, string> | undefined;
  filename: string | undefined;
  readonly size: { width?: number | undefined; height?: number | undefined } = {};
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
    else if (place === 'annotation/filename') this.filename = text.trim();
    else if (place === 'annotation/size/width') this.size.width = numberOf(text);
    else if (place === 'annotation/size/height') this.size.height = numberOf(text);
    else if (!/^annotation(\/(folder|size(\/(width|height|depth))?))?$/.test(place) && text.trim() !== '')
      this.#losses.dropped('file', place.slice('annotation/'.length), text);
  }

  /** An object's element, the first of a name; a group such as `bndbox` has no text of its own. */
  #note(place: string, text: string): void {
    if (!this.#object!.has(place)) this.#object!.set(place, text);
    else if (text.trim() !== '') this.#losses.dropped('box', place, text);
  }

  #take(object: ReadonlyMap<string, string>): void {
    const label = object.get('name')?.trim();
    const [left, top, right, bottom] = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) =>
      numberOf(object.get(`bndbox/${side}`)),
    );
    if (!label || left === undefined || top === undefined || right === undefined || bottom === undefined) {
      const problem = label ? 'no bndbox of four numbers' : 'no name';
      this.#losses.dropped('annotation', '*', `${this.#file}: an object ${label ?? ''} with ${problem}`);
      return;
    }
    const attributes = FLAGS.filter((flag) => numberOf(object.get(flag)) === 1);
    for (const [place, text] of object) if (!isHeld(place, text)) this.#losses.dropped('box', place, text);
    if (left > right || top > bottom)
      this.#losses.approximated(
        'box',
        'coordinates.order',
        `${this.#file}: ${[left, top, right, bottom].join(', ')}`,
      );
    const coordinates = boxCoordinates({
      left: Math.min(left, right),
      top: Math.min(top, bottom),
      right: Math.max(left, right),
      bottom: Math.max(top, bottom),
    });
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

/**
 * Reads the document of one item. Its item is the one beside it with the file name it gives, else the one of that name
 * anywhere, else the one that is called as the document. @throws FormatUnreadable
 */
export async function* readVocDocument(
  files: FormatFiles,
  path: string,
  partitions: ReadonlyMap<string, Partition>,
  context: ReadContext,
): AsyncGenerator<FormatItem> {
  const reader = new VocReader(path, context.losses);
  const parser = createParser(path, reader);
  let item: string | undefined;
  const group = async function* (least: number): AsyncGenerator<FormatItem> {
    if (reader.found.length < least) return;
    item ??= await findItem(path, reader.filename, context);
    const partition =
      partitions.get(stemOf(path.slice(path.lastIndexOf('/') + 1))) ?? partitionOfFolders(path);
    const annotations = reader.found.splice(0);
    yield { path: item, width: undefined, height: undefined, annotations, ...(partition && { partition }) };
  };
  for await (const text of textOf('voc', files, path, {
    maxBytes: MAX_FILE_BYTES,
    declared: declaredEncoding,
  })) {
    parser.write(text);
    // The file name may follow the objects.
    if (reader.filename !== undefined) yield* group(GROUP_SIZE);
  }
  parser.close();
  yield* group(0);
  const { width, height } = reader.size;
  if (width && height && item !== undefined)
    noteSize(item, { width, height }, await context.findPath(item), context.losses);
}

function createParser(path: string, reader: VocReader): SaxesParser {
  const parser = new SaxesParser();
  parser.on('doctype', () => {
    throw new FormatUnreadable('voc', path, 'it has a document type, of which nothing is read');
  });
  parser.on('error', (error) => {
    throw new FormatUnreadable('voc', path, `it is not XML: ${error.message}`, error);
  });
  parser.on('opentag', ({ name }) => reader.start(name));
  parser.on('text', (text) => reader.text(text));
  parser.on('cdata', (text) => reader.text(text));
  parser.on('closetag', () => reader.end());
  return parser;
}

/** The encoding of an XML declaration, such as `<?xml version="1.0" encoding="ISO-8859-1"?>`. */
function declaredEncoding(head: string): string | undefined {
  return /^<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z][\w.:-]*)["']/.exec(head)?.[1];
}

async function findItem(file: string, filename: string | undefined, context: ReadContext): Promise<string> {
  const stem = stemOf(file).replace(/^Annotations\//, '');
  const sameStem = async () => (await context.findStem(stem))?.path;
  if (!filename) {
    const found = await sameStem();
    if (found === undefined)
      throw new FormatUnreadable('voc', file, 'it has no filename, and no file is called as it is');
    return found;
  }
  const named = itemPath('voc', file, filename.replaceAll('\\', '/').replace(/^[A-Za-z]:/, ''));
  const folder = posix.dirname(file);
  const beside = posix.join(folder, named);
  // Documents of the development kit lie in a folder of their own.
  if (!/^Annotations(\/|$)/.test(folder) && (await context.findPath(beside))?.path === beside) return beside;
  if (await context.findPath(named)) return named;
  return (await context.findStem(named))?.path ?? (await sameStem()) ?? named;
}

function partitionOfFolders(path: string): Partition | undefined {
  const words = path.split('/').slice(0, -1).map(partitionOfWord);
  return words.find((each): each is Partition => each !== undefined && each !== 'unassigned');
}
