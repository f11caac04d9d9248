import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { type Partition, partitionOf } from '../entities/item.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
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
import { itemPath, Stems } from './paths.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces, textOf } from './text-stream.ts';

const FOLDER = 'json/';
const GROUP_SIZE = 500;
const HELD = ['type', 'label', 'attributes', 'coordinates', 'metadata', 'labelSuggestions'];
/** What the store says of an annotation, which it will say anew. */
const STORED = [
  'id',
  '_id',
  'itemId',
  'item',
  'datasetId',
  'dataset',
  'url',
  'creator',
  'createdAt',
  'updatedAt',
  'updatedBy',
  'source',
  'hash',
];

/**
 * The platform's own export: `json/<path without extension>.json` an item, `{"filename", "metadata", "annotations"}`, as
 * its clients download and upload them. Holds everything.
 */
export class DataloopFormat implements AnnotationFormat {
  readonly types = 'all';
  readonly mediaFolder = 'items/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const own = paths.filter((path) => this.#isAnnotationFile(path));
    const known = await findByContent(files, own, isItem);
    return {
      evidence: known && `${known} has a filename and its annotations`,
      annotationFiles: own.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
    };
  }

  async write(source: FormatSource, layout: LayoutWriter): Promise<void> {
    const stems = new Stems('dataloop');
    for (const partition of source.partitions)
      for await (const item of source.items(partition))
        await layout.write(`${FOLDER}${stems.take(item.path)}.json`, inPieces(documentOf(item, partition)));
  }

  async *read(files: FormatFiles, { losses }: ReadContext): AsyncGenerator<FormatItem> {
    for (const path of (await files.list()).filter((each) => this.#isAnnotationFile(each)))
      yield* readDocument(files, path, losses);
  }

  #isAnnotationFile(path: string): boolean {
    return path.endsWith('.json') && !path.startsWith(this.mediaFolder) && !isClutter(path);
  }
}

function isItem(text: string): boolean {
  return /^\s*\{/.test(text) && /"filename"\s*:/.test(text) && /"annotations"\s*:/.test(text);
}

function* documentOf({ path, width, height, annotations }: FormatItem, partition: string): Generator<string> {
  const system: JsonObject = {
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(partition !== 'unassigned' && { snapshotPartition: partition }),
  };
  yield `{"filename":${JSON.stringify(`/${path}`)},"metadata":${JSON.stringify({ system })},"annotations":[`;
  for (const [index, annotation] of annotations.entries())
    yield `${index === 0 ? '\n' : ',\n'}${JSON.stringify(annotation)}`;
  yield '\n]}\n';
}

async function* readDocument(
  files: FormatFiles,
  path: string,
  losses: LossReport,
): AsyncGenerator<FormatItem> {
  let filename: string | undefined;
  let partition: Partition | undefined;
  for await (const { key, value } of parts(files, path, ['annotations'])) {
    if (key === 'filename') filename = itemPath('dataloop', path, value);
    if (key === 'metadata' && isJsonObject(value)) partition = partitionOf({ metadata: value });
  }
  if (filename === undefined) throw new FormatUnreadable('dataloop', path, 'it has no filename');
  const item = { path: filename, width: undefined, height: undefined, partition };
  let group: FormatAnnotation[] = [];
  for await (const { key, isElement, value } of parts(files, path, [])) {
    if (key !== 'annotations') continue;
    if (!isElement) throw new FormatUnreadable('dataloop', path, 'its annotations are no list');
    group.push(annotationOf(path, value, losses));
    if (group.length < GROUP_SIZE) continue;
    yield { ...item, annotations: group };
    group = [];
  }
  if (group.length > 0 || partition !== undefined) yield { ...item, annotations: group };
}

function annotationOf(path: string, value: unknown, losses: LossReport): FormatAnnotation {
  if (!isJsonObject(value) || typeof value.type !== 'string' || typeof value.label !== 'string')
    throw new FormatUnreadable('dataloop', path, 'an annotation has no type or no label');
  for (const [name, inner] of Object.entries(value))
    if (!HELD.includes(name) && !STORED.includes(name)) losses.dropped(value.type, name, inner);
  const { type, label, attributes, coordinates, metadata, labelSuggestions } = value;
  return {
    type,
    label,
    attributes: attributes ?? [],
    ...(coordinates != null && { coordinates }),
    metadata: isJsonObject(metadata) ? metadata : { system: {} },
    ...(labelSuggestions != null && { labelSuggestions }),
  };
}

async function* parts(files: FormatFiles, path: string, skipped: readonly string[]) {
  try {
    yield* jsonParts(textOf('dataloop', files, path), { skipped });
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatUnreadable('dataloop', path, error.message, error);
    throw error;
  }
}
