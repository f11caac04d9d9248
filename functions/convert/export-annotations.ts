import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import type { Bucket } from '../../shared/buckets/bucket.ts';
import { RepeatableSource } from '../../shared/content/byte-source.ts';
import {
  type AnnotationSource,
  openAnnotationSource,
  pathOf,
} from '../../shared/convert/annotation-source.ts';
import { bucketLayout } from '../../shared/convert/bucket-layout.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { Partition } from '../../shared/entities/item.ts';
import { Cancelled, InvalidInput } from '../../shared/errors.ts';
import { FormatLossRefused } from '../../shared/formats/errors.ts';
import { LossReport } from '../../shared/formats/loss-report.ts';
import { openFormat } from '../../shared/formats/registry.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';

export interface ExportOptions {
  format: string;
  /** Refuse, before anything is written, what the format does not hold. */
  strict: boolean;
  /** Write the items' own files too. */
  media: boolean;
  partition: Partition | 'all';
  filter: JsonObject | undefined;
  /** Classes in this order, others behind them. */
  labels: readonly string[];
  /** No spreadsheet may take a cell of a table for a formula. */
  isSpreadsheetSafe: boolean;
}

/** Writes what people said about a dataset's items as files of a format. @throws FormatLossRefused, FormatNameClash, InvalidInput */
export async function exportAnnotations(
  run: Run,
  dataset: Readonly<Dataset>,
  openBucket: () => Promise<Bucket>,
  { format: name, strict, media, partition, filter, labels, isSpreadsheetSafe }: ExportOptions,
): Promise<JsonObject> {
  const format = await openFormat(name);
  const source = await openAnnotationSource(run.platform, {
    datasetId: dataset.id,
    partition,
    filter,
    labels,
  });
  if (source.partitions.length === 0)
    throw new InvalidInput('input of convert', [
      { field: 'partition', problem: `no item of dataset ${dataset.name} is in ${partition}` },
    ]);
  const watched = { ...watch(run, source), isSpreadsheetSafe };
  if (strict) {
    const expected = new LossReport();
    await format.write(watched, NOWHERE, expected);
    if (!expected.isEmpty) throw new FormatLossRefused(name, expected.list());
  }
  const written = { files: 0, sizeBytes: 0 };
  const layout = counted(bucketLayout(await openBucket()), written);
  const losses = new LossReport();
  await format.write(watched, layout, losses);
  if (media)
    for (const each of source.partitions)
      for await (const item of source.files(each)) {
        if (run.signal.aborted) throw new Cancelled('The conversion', run.signal.reason);
        await layout.write(
          `${format.mediaFolder}${pathOf(item)}`,
          new RepeatableSource(() => run.platform.content.stream(item.content!)),
        );
      }
  return { format: name, items: { ...source.counts }, written, losses: losses.toJson() };
}

/** Takes everything and keeps nothing: what would be lost is known before anything is written. */
const NOWHERE: LayoutWriter = {
  async write(_path, content) {
    if (typeof content === 'string' || content instanceof Uint8Array) return;
    for await (const _part of content);
  },
};

/** Counts the files and bytes that were written; an attempt that failed does not count. */
function counted(layout: LayoutWriter, written: { files: number; sizeBytes: number }): LayoutWriter {
  return {
    async write(path, content) {
      let sizeBytes = 0;
      const count = <T extends string | Uint8Array>(part: T): T => {
        sizeBytes += typeof part === 'string' ? Buffer.byteLength(part) : part.byteLength;
        return part;
      };
      const recounted = (source: RepeatableSource) =>
        new RepeatableSource(() => {
          sizeBytes = 0;
          return each(source, count);
        });
      if (typeof content === 'string' || content instanceof Uint8Array)
        await layout.write(path, count(content));
      else if (content instanceof RepeatableSource) await layout.write(path, recounted(content));
      else await layout.write(path, each(content, count));
      written.files += 1;
      written.sizeBytes += sizeBytes;
    },
  };
}

async function* each<T>(parts: AsyncIterable<T>, look: (part: T) => T): AsyncGenerator<T> {
  for await (const part of parts) yield look(part);
}

/** Stops between items when the run is to stop. */
function watch({ signal }: Run, source: AnnotationSource): AnnotationSource {
  return {
    ...source,
    items: (partition) =>
      each(source.items(partition), (item) => {
        if (signal.aborted) throw new Cancelled('The conversion', signal.reason);
        return item;
      }),
  };
}
