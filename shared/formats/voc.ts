import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { uprightBox } from './boxes.ts';
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
import { Stems } from './paths.ts';
import { noteRest } from './rest.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces } from './text-stream.ts';
import { readImageSets } from './voc-partitions.ts';
import { FLAGS, readVocDocument } from './voc-reader.ts';

const FOLDER = 'Annotations/';
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

  async *read(files: FormatFiles, context: ReadContext): AsyncGenerator<FormatItem> {
    const own = (await files.list()).filter((path) => this.#isAnnotationFile(path));
    const partitions = await readImageSets(files, own, context.losses);
    for (const path of own)
      if (path.endsWith('.xml')) yield* readVocDocument(files, path, partitions, context);
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
  if (type !== 'box' || !isXmlText(label) || label.trim() === '') {
    losses.dropped(type, '*', label);
    return '';
  }
  const box = uprightBox(annotation, losses);
  if (box === undefined) return '';
  // Readers take the spaces around a name for layout.
  if (label !== label.trim()) losses.approximated(type, 'label', label);
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
