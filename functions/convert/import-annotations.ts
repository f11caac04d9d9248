import type { Bucket } from '../../shared/buckets/bucket.ts';
import {
  type AnnotationGroup,
  importAnnotations as addAnnotations,
  readNewAnnotation,
} from '../../shared/catalog/annotation-import.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { setPartition } from '../../shared/catalog/partitions.ts';
import { bucketLayout } from '../../shared/convert/bucket-layout.ts';
import { type IndexedItem, indexItems } from '../../shared/convert/item-index.ts';
import { PathIndex } from '../../shared/convert/path-index.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { Partition } from '../../shared/entities/item.ts';
import { Cancelled, InvalidInput, toErrorBody } from '../../shared/errors.ts';
import { detectFormat } from '../../shared/formats/detect-format.ts';
import { FormatLossRefused, NoLabelsFound } from '../../shared/formats/errors.ts';
import type {
  AnnotationFormat,
  Areas,
  FormatFiles,
  FormatItem,
  FoundItem,
  MediaFile,
  Survey,
} from '../../shared/formats/format.ts';
import { LossReport } from '../../shared/formats/loss-report.ts';
import { openFormat } from '../../shared/formats/registry.ts';
import { readHead, readImageSize } from '../../shared/inputs/image-size.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';

/** Annotations that are written in one transaction. */
const BATCH_SIZE = 500;
/** Failures that are named one by one. */
const MOST_FAILURES = 100;
/** Items without annotations that are named one by one. */
const MOST_EXAMPLES = 10;

/** Name of no format: the files decide. */
export const AUTO = 'auto';
/** Partitions as the files name them. */
export const FROM_FILES = 'files';

export interface ImportOptions {
  /** Name of a format, or `auto`. */
  format: string;
  strict: boolean;
  /** Upload the items' own files, too. */
  media: boolean;
  /** Folder of the dataset, without a slash at its end. */
  folder: string;
  /** Partition of all items; `files` for those that the files name, `none` to leave partitions as they are. */
  partition: Partition | typeof FROM_FILES | 'none';
  /** Accept files in which there is not a single annotation. */
  allowUnlabelled: boolean;
  /** Area of an annotation that has a mask and a box. */
  areas: Areas;
  /** The tables were written so that no spreadsheet takes a cell for a formula. */
  isSpreadsheetSafe: boolean;
}

/**
 * Reads files of a format into a dataset: the items' own files become items, annotations go to the items of their
 * names. All files are read once before anything is written, so that a broken one changes nothing; the same import
 * again changes nothing either.
 * @throws FormatUnclear, FormatUnreadable, FormatLossRefused, NoLabelsFound, InvalidInput
 */
export async function importAnnotations(
  run: Run,
  dataset: Readonly<Dataset>,
  bucket: Bucket,
  options: ImportOptions,
): Promise<JsonObject> {
  const { strict, folder } = options;
  const files = listedOnce(bucketLayout(bucket));
  const detected = options.format === AUTO ? await detectFormat(files) : undefined;
  const name = detected?.name ?? options.format;
  const format = await openFormat(name);
  const survey = await format.survey(files);
  if (survey.annotationFiles === 0 && survey.media.length === 0)
    throw new InvalidInput('input of convert', [
      { field: 'from', problem: `it holds no file of annotations as ${name}` },
    ]);
  const media = options.media ? survey.media : [];
  const before = await indexItems(run.platform, dataset.id, folder);
  const checked = await check(run, format, files, {
    media,
    before,
    wanted: options.partition,
    areas: options.areas,
    isSpreadsheetSafe: options.isSpreadsheetSafe,
  });
  const losses = checked.losses;
  if (checked.annotations === 0 && !options.allowUnlabelled)
    throw new NoLabelsFound(name, counts(survey), losses.list(), detected !== undefined);
  if (strict && !losses.isEmpty) throw new FormatLossRefused(name, losses.list());
  const failures = new Failures();
  const items = await takeMedia(
    run,
    dataset,
    files,
    media,
    { folder, partitions: checked.partitions },
    failures,
  );
  const index = await indexItems(run.platform, dataset.id, folder);
  const find = async (found: FoundItem | undefined) => found;
  const read = format.read(files, {
    losses: new LossReport(),
    areas: options.areas,
    isSpreadsheetSafe: options.isSpreadsheetSafe,
    findStem: (stem) => find(index.findStem(stem)),
    findPath: (path) => find(index.find(path)),
  });
  const annotations = await addAll(run, dataset, read, index, failures);
  const assigned = await assignPartitions(run, dataset, index, checked.partitions);
  return {
    format: name,
    ...(detected && { detected: detected.evidence }),
    ...items,
    annotations,
    partitions: assigned,
    withoutAnnotations: checked.withoutAnnotations,
    losses: losses.toJson(),
    failed: failures.told,
    failures: failures.count,
  };
}

function counts({ annotationFiles, media }: Survey): { annotationFiles: number; media: number } {
  return { annotationFiles, media: media.length };
}

/** The folder is listed once, however often a format asks. */
function listedOnce(files: FormatFiles): FormatFiles {
  let paths: Promise<string[]> | undefined;
  return {
    stream: (path) => files.stream(path),
    list: () => {
      paths ??= files.list();
      return paths;
    },
  };
}

class Failures {
  readonly told: JsonObject[] = [];
  count = 0;

  note(filename: string, { code, message }: { code: string; message: string }): void {
    this.count += 1;
    if (this.told.length < MOST_FAILURES) this.told.push({ filename, code, message });
  }
}

/** Result of the reading that writes nothing. */
interface Checked {
  losses: LossReport;
  annotations: number;
  /** Partitions by the item paths that the files have. */
  partitions: Map<string, Partition>;
  withoutAnnotations: { count: number; examples: string[] };
}

/** Reads everything as the import will, with the sizes of the files that will become items. */
async function check(
  run: Run,
  format: AnnotationFormat,
  files: FormatFiles,
  from: {
    media: readonly MediaFile[];
    before: PathIndex<IndexedItem>;
    wanted: ImportOptions['partition'];
    areas: Areas;
    isSpreadsheetSafe: boolean;
  },
): Promise<Checked> {
  const losses = new LossReport();
  const media = new PathIndex(from.media);
  const measured = async (own: MediaFile | undefined, found: IndexedItem | undefined) => {
    if (own === undefined) return found;
    const size = await readImageSize((maxBytes) => readHead(files.stream(own.file), maxBytes));
    return { path: own.path, width: size?.width, height: size?.height };
  };
  const partitions = new Map<string, Partition>();
  const annotated = new Set<string>();
  let annotations = 0;
  const read = format.read(files, {
    losses,
    areas: from.areas,
    isSpreadsheetSafe: from.isSpreadsheetSafe,
    findStem: (stem) => measured(media.findStem(stem), from.before.findStem(stem)),
    findPath: (path) => measured(media.find(path), from.before.find(path)),
  });
  for await (const item of read) {
    throwIfAborted(run);
    const path = media.find(item.path)?.path ?? item.path;
    annotations += item.annotations.length;
    if (item.annotations.length > 0) annotated.add(path);
    if (from.wanted === FROM_FILES && item.partition) notePartition(partitions, path, item.partition, losses);
  }
  if (from.wanted !== FROM_FILES && from.wanted !== 'none')
    for (const path of [...from.media.map((each) => each.path), ...annotated])
      partitions.set(path, from.wanted);
  const bare = from.media.filter(({ path }) => !annotated.has(path));
  const examples = bare.slice(0, MOST_EXAMPLES).map(({ path }) => path);
  return { losses, annotations, partitions, withoutAnnotations: { count: bare.length, examples } };
}

/** An item has one partition: of two that files name, the first counts. */
function notePartition(
  partitions: Map<string, Partition>,
  path: string,
  partition: Partition,
  losses: LossReport,
): void {
  const known = partitions.get(path);
  if (known === undefined) partitions.set(path, partition);
  else if (known !== partition)
    losses.dropped('image', 'partition', `${path} is in ${known} and ${partition}`);
}

async function takeMedia(
  { platform, actor, signal, progress }: Run,
  dataset: Readonly<Dataset>,
  files: FormatFiles,
  media: readonly MediaFile[],
  { folder, partitions }: { folder: string; partitions: ReadonlyMap<string, Partition> },
  failures: Failures,
): Promise<JsonObject> {
  const entries = function* () {
    for (const { file, path } of media) {
      const partition = partitions.get(path);
      yield { path: `${folder}/${path}`, source: files.stream(file), ...(partition && { partition }) };
    }
  };
  const result = await uploadItems(platform, actor, dataset.id, entries(), {
    mode: 'overwrite',
    signal,
    onProgress: (done) => progress(0, `${done} items`),
  });
  for (const { path, error } of result.failures) failures.note(path, error);
  const { created, overwritten, unreadable } = result;
  return {
    created,
    overwritten,
    unreadable: unreadable
      .slice(0, MOST_FAILURES)
      .map(({ path, problem }) => ({ filename: path, message: problem })),
    unreadableCount: unreadable.length,
  };
}

/** Puts the items into their partitions, those that were in the dataset before, too. Returns the number of items per partition. */
async function assignPartitions(
  run: Run,
  dataset: Readonly<Dataset>,
  index: PathIndex<IndexedItem>,
  partitions: ReadonlyMap<string, Partition>,
): Promise<Record<string, number>> {
  const ids = Map.groupBy(
    [...partitions].flatMap(([path, partition]) => {
      const item = index.find(path);
      return item ? [{ id: item.id, partition }] : [];
    }),
    ({ partition }) => partition,
  );
  const counted: Record<string, number> = {};
  for (const [partition, items] of ids) {
    counted[partition] = items.length;
    for (let from = 0; from < items.length; from += BATCH_SIZE) {
      throwIfAborted(run);
      const $in = items.slice(from, from + BATCH_SIZE).map(({ id }) => id);
      await setPartition(run.platform, run.actor, dataset.id, { id: { $in } }, partition);
    }
  }
  return counted;
}

async function addAll(
  run: Run,
  dataset: Readonly<Dataset>,
  items: AsyncIterable<FormatItem>,
  index: PathIndex<IndexedItem>,
  failures: Failures,
): Promise<{ created: number; existed: number }> {
  const { platform, actor, progress } = run;
  const total = { created: 0, existed: 0 };
  const missing = new Set<string>();
  let batch: AnnotationGroup[] = [];
  const write = async () => {
    throwIfAborted(run);
    const { created, existed } = await addAnnotations(platform, actor, dataset.id, batch);
    total.created += created;
    total.existed += existed;
    batch = [];
    progress(50, `${total.created + total.existed} annotations`);
  };
  for await (const item of items) {
    const found = index.find(item.path);
    if (found && item.annotations.length === 0) continue;
    if (found) batch.push({ itemId: found.id, annotations: readable(item, failures) });
    else if (!missing.has(item.path)) {
      missing.add(item.path);
      failures.note(item.path, { code: 'ItemMissing', message: missingText(item.path, dataset) });
    }
    if (batch.reduce((sum, { annotations }) => sum + annotations.length, 0) >= BATCH_SIZE) await write();
  }
  await write();
  return total;
}

function readable({ path, annotations }: FormatItem, failures: Failures) {
  return annotations.flatMap((each) => {
    try {
      return [readNewAnnotation(each)];
    } catch (error) {
      failures.note(path, toErrorBody(error));
      return [];
    }
  });
}

function missingText(path: string, { name }: Readonly<Dataset>): string {
  return `Dataset ${name} has no one item ${JSON.stringify(path)}, so its annotations were left out. Put the file beside the annotations, or upload it first.`;
}

function throwIfAborted({ signal }: Run): void {
  if (signal.aborted) throw new Cancelled('The conversion', signal.reason);
}
