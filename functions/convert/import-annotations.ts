import type { Bucket } from '../../shared/buckets/bucket.ts';
import {
  type AnnotationGroup,
  importAnnotations as addAnnotations,
  readNewAnnotation,
} from '../../shared/catalog/annotation-import.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { bucketLayout } from '../../shared/convert/bucket-layout.ts';
import { ItemIndex } from '../../shared/convert/item-index.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import { Cancelled, InvalidInput, toErrorBody } from '../../shared/errors.ts';
import { FormatLossRefused } from '../../shared/formats/errors.ts';
import type { AnnotationFormat, FormatFiles, FormatItem } from '../../shared/formats/format.ts';
import { LossReport } from '../../shared/formats/loss-report.ts';
import { openFormat } from '../../shared/formats/registry.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';

/** Annotations that are written in one transaction. */
const BATCH_SIZE = 500;
/** Failures that are told one by one. */
const MOST_FAILURES = 100;

export interface ImportOptions {
  format: string;
  strict: boolean;
  /** Take in the items' own files too. */
  media: boolean;
  /** Folder of the dataset, without a slash at its end. */
  folder: string;
}

/**
 * Reads files of a format into a dataset: the items' own files become items, annotations go to the items of their
 * names. All files are read once before anything is written, so that a broken one changes nothing; the same import
 * again changes nothing either. @throws FormatUnreadable, FormatLossRefused, InvalidInput
 */
export async function importAnnotations(
  run: Run,
  dataset: Readonly<Dataset>,
  bucket: Bucket,
  { format: name, strict, media, folder }: ImportOptions,
): Promise<JsonObject> {
  const format = await openFormat(name);
  const files = bucketLayout(bucket);
  const paths = await files.list();
  const losses = new LossReport();
  await check(run, name, format, { ...files, list: async () => paths }, losses);
  if (strict && !losses.isEmpty) throw new FormatLossRefused(name, losses.list());
  const failures = new Failures();
  const items = media ? await takeMedia(run, dataset, format, files, paths, folder, failures) : NO_ITEMS;
  const index = await ItemIndex.open(run.platform, dataset.id, folder);
  const read = format.read(files, {
    losses: new LossReport(),
    findItem: (stem) => index.findStem(stem),
  });
  const annotations = await addAll(run, dataset, read, index, failures);
  return {
    format: name,
    ...items,
    annotations,
    losses: losses.toJson(),
    failed: failures.told,
    failures: failures.count,
  };
}

const NO_ITEMS = { created: 0, overwritten: 0 };

class Failures {
  readonly told: JsonObject[] = [];
  count = 0;

  note(filename: string, { code, message }: { code: string; message: string }): void {
    this.count += 1;
    if (this.told.length < MOST_FAILURES) this.told.push({ filename, code, message });
  }
}

/** Sizes do not matter here: what is wrong with a file is wrong at any. */
async function check(
  run: Run,
  name: string,
  format: AnnotationFormat,
  files: FormatFiles,
  losses: LossReport,
): Promise<void> {
  if (!(await files.list()).some((path) => format.isAnnotationFile(path)))
    throw new InvalidInput('input of convert', [{ field: 'from', problem: `it holds no file of ${name}` }]);
  const findItem = (stem: string) => ({ path: stem, width: 1, height: 1 });
  for await (const _item of format.read(files, { losses, findItem })) throwIfAborted(run);
}

async function takeMedia(
  { platform, actor, signal, progress }: Run,
  dataset: Readonly<Dataset>,
  format: AnnotationFormat,
  files: FormatFiles,
  paths: readonly string[],
  folder: string,
  failures: Failures,
): Promise<typeof NO_ITEMS> {
  const { mediaFolder } = format;
  const entries = function* () {
    for (const path of paths.filter((each) => !format.isAnnotationFile(each))) {
      const own = path.startsWith(mediaFolder) ? path.slice(mediaFolder.length) : path;
      yield { path: `${folder}/${own}`, source: files.stream(path) };
    }
  };
  const result = await uploadItems(platform, actor, dataset.id, entries(), {
    mode: 'overwrite',
    signal,
    onProgress: (done) => progress(0, `${done} items`),
  });
  for (const { path, error } of result.failures) failures.note(path, error);
  return { created: result.created, overwritten: result.overwritten };
}

async function addAll(
  run: Run,
  dataset: Readonly<Dataset>,
  items: AsyncIterable<FormatItem>,
  index: ItemIndex,
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
