import type { ModelAdapter, PartitionData } from '../../adapters/model-adapter.ts';
import type { Bucket } from '../../shared/buckets/bucket.ts';
import { artifactFolder } from '../../shared/catalog/artifact-folder.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { bucketLayout } from '../../shared/convert/bucket-layout.ts';
import { datasetOf } from '../../shared/datasets/dataset-of.ts';
import { openPartition } from '../../shared/datasets/partition-data.ts';
import { MAX_UNREADABLE_SHARE_INPUT } from '../../shared/datasets/unreadable-share.ts';
import { type BucketSpec, bucketSpecSchema } from '../../shared/entities/bucket-spec.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { Partition } from '../../shared/entities/item.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { InvalidInput } from '../../shared/errors.ts';
import { AREAS, type Areas } from '../../shared/formats/format.ts';
import { FORMAT_NAMES } from '../../shared/formats/registry.ts';
import { defineFunction } from '../../shared/invoke/function-spec.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { parse } from '../../shared/parse.ts';
import { loadAdapterClass } from '../../shared/snapshots/adapter-class.ts';
import { adapterSetup } from '../../shared/snapshots/adapter-setup.ts';
import { releaseAdapter } from '../../shared/snapshots/release-adapter.ts';
import { describeSnapshot, modelOf } from '../../shared/snapshots/snapshot-model.ts';
import { exportAnnotations } from './export-annotations.ts';
import { exportModel, ONNX } from './export-model.ts';
import { AUTO, FROM_FILES, importAnnotations } from './import-annotations.ts';

/** The format that is the adapter's own. */
const ADAPTER = 'adapter';
const PARTITIONS = ['train', 'validation', 'test'] as const;

/**
 * Writes a dataset in the adapter's own training layout or in a format of annotations, or reads either back; or writes the
 * snapshot's weights as a model file.
 */
export const convertFunction = defineFunction({
  name: 'convert',
  description:
    "Writes partitions of a dataset in the adapter's own training layout or in a format of annotations, or reads either back into items; format onnx writes the snapshot's weights.",
  mode: 'background',
  inputs: {
    snapshot: {
      type: 'Snapshot',
      description:
        'the snapshot whose adapter and configuration convert; not needed to read files of a format into a dataset',
    },
    dataset: {
      type: 'Dataset',
      description: "another dataset than the snapshot's own; the target when reading back",
    },
    format: {
      type: 'String',
      default: ADAPTER,
      oneOf: [ADAPTER, ONNX, AUTO, ...FORMAT_NAMES],
      description:
        "adapter is the adapter's own layout, onnx the snapshot's weights as a model; auto detects the format of the files that are read back; the others are formats of annotations",
    },
    strict: {
      type: 'Boolean',
      default: false,
      description: 'formats: true refuses, before anything is written, what would be lost',
    },
    media: {
      type: 'Boolean',
      default: true,
      description: "formats: false leaves out the items' own files",
    },
    partition: {
      type: 'String',
      default: 'all',
      oneOf: [...PARTITIONS, 'all', 'none'],
      description:
        'writing: the partition to write; all writes each that has items. Reading a format: the partition that the items get; all gives each the one that the files name, none changes no partition',
    },
    filter: { type: 'Json', description: 'conditions that narrow the items' },
    maxUnreadableShare: MAX_UNREADABLE_SHARE_INPUT,
    bucket: {
      type: 'Json',
      description: "where the layout is written; an artifact folder of the project's Binaries when missing",
    },
    from: {
      type: 'Json',
      description: 'a bucket that holds a layout: given, it is read back into items of the dataset',
    },
    folder: {
      type: 'String',
      default: '/',
      description: 'reading back: the folder of the dataset that gets the items',
    },
    allowUnlabelled: {
      type: 'Boolean',
      default: false,
      description: 'formats, reading back: true accepts files in which there is not a single annotation',
    },
    spreadsheetSafe: {
      type: 'Boolean',
      default: false,
      description:
        'csv: true writes an apostrophe before cells that a spreadsheet would take for a formula; true again reads such files back',
    },
    areas: {
      type: 'String',
      default: 'mask',
      oneOf: [...AREAS],
      description:
        'formats, reading back: of an annotation that has a mask and a box, the mask alone, the box alone, or both as two annotations',
    },
  },
  run: async (inputs, run) => {
    const { container, platform, signal } = run;
    const snapshot = inputs.snapshot ?? assertImport(inputs);
    if (snapshot === undefined) {
      const { id, name } = inputs.dataset!;
      return { dataset: { id, name }, ...(await convertAnnotations(inputs, inputs.dataset!, run)) };
    }
    if (inputs.format === ONNX)
      return exportModel(snapshot, run, () => targetOf(run, snapshot.projectId, inputs.bucket));
    const dataset = await datasetOf(platform, snapshot, inputs.dataset);
    const described = {
      snapshot: describeSnapshot(snapshot),
      dataset: { id: dataset.id, name: dataset.name },
    };
    if (inputs.format !== ADAPTER)
      return { ...described, ...(await convertAnnotations(inputs, dataset, run)) };
    const model = await modelOf(container, snapshot);
    const { adapterClass } = await loadAdapterClass(platform, container.builtIns, model, signal);
    const adapter = new adapterClass(adapterSetup(platform, adapterClass, model, snapshot, dataset));
    try {
      return { ...described, ...(await convertWith(adapter, inputs, run, dataset)) };
    } finally {
      await releaseAdapter(adapter, run.log);
    }
  },
});

/** Without a snapshot, files of a format are read into a dataset, and nothing else. @throws InvalidInput */
function assertImport({
  format,
  from,
  dataset,
}: {
  format: string;
  from?: unknown;
  dataset?: unknown;
}): undefined {
  const needsSnapshot = format === ADAPTER || format === ONNX || from === undefined;
  if (needsSnapshot)
    throw new InvalidInput('input of convert', [
      {
        field: 'snapshot',
        problem:
          'is missing; without a snapshot, convert only reads files: give format (auto, or the name of a format), from and dataset',
      },
    ]);
  if (dataset === undefined)
    throw new InvalidInput('input of convert', [
      { field: 'dataset', problem: 'is missing; it is the dataset that gets the items' },
    ]);
  return undefined;
}

interface ConvertInputs {
  partition: string;
  maxUnreadableShare?: number | undefined;
  filter?: Json | undefined;
  bucket?: Json | undefined;
  from?: Json | undefined;
  folder: string;
}

async function convertWith(
  adapter: ModelAdapter<unknown>,
  inputs: ConvertInputs,
  run: Run,
  dataset: Readonly<Dataset>,
): Promise<JsonObject> {
  const { platform } = run;
  if (inputs.from !== undefined) {
    const bucket = await platform.openBucket(
      ownerOf(run, dataset),
      parse(bucketSpecSchema, inputs.from, 'from'),
    );
    const entries = adapter.convertBack(bucketLayout(bucket));
    return importItems(run, dataset, inputs.folder, entries);
  }
  const spec = await targetOf(run, dataset.projects[0]!, inputs.bucket);
  const bucket = await platform.openBucket(ownerOf(run, dataset), spec);
  const written = await writePartitions(
    run,
    dataset,
    inputs,
    bucket,
    (data) => adapter.convert(data, bucketLayout(bucket)),
    (input) => adapter.prepare(input),
  );
  return { bucket: spec as Json, ...written };
}

interface FormatInputs {
  snapshot: Readonly<Snapshot> | undefined;
  format: string;
  allowUnlabelled: boolean;
  spreadsheetSafe: boolean;
  areas: string;
  strict: boolean;
  media: boolean;
  partition: string;
  filter: Json | undefined;
  bucket: Json | undefined;
  from: Json | undefined;
  folder: string;
}

async function convertAnnotations(
  inputs: FormatInputs,
  dataset: Readonly<Dataset>,
  run: Run,
): Promise<JsonObject> {
  const { format, strict, media } = inputs;
  const owner = ownerOf(run, dataset);
  if (inputs.from !== undefined) {
    const bucket = await run.platform.openBucket(owner, parse(bucketSpecSchema, inputs.from, 'from'));
    const folder = inputs.folder.replace(/^\/*(.*?)\/*$/, (_, inner: string) =>
      inner === '' ? '' : `/${inner}`,
    );
    const partition = inputs.partition === 'all' ? FROM_FILES : (inputs.partition as Partition | 'none');
    const { allowUnlabelled } = inputs;
    return importAnnotations(run, dataset, bucket, {
      format,
      strict,
      media,
      folder,
      partition,
      allowUnlabelled,
      isSpreadsheetSafe: inputs.spreadsheetSafe,
      areas: inputs.areas as Areas,
    });
  }
  const problem =
    format === AUTO
      ? { field: 'format', problem: 'auto is for reading; name the format to write' }
      : inputs.partition === 'none'
        ? { field: 'partition', problem: 'none is for reading; name the partition to write' }
        : undefined;
  if (problem) throw new InvalidInput('input of convert', [problem]);
  let spec: BucketSpec | undefined;
  // Opened last: a conversion that is refused leaves no empty folder behind.
  const openBucket = async () => {
    spec = await targetOf(run, dataset.projects[0]!, inputs.bucket);
    return run.platform.openBucket(owner, spec);
  };
  const written = await exportAnnotations(run, dataset, openBucket, {
    format,
    strict,
    media,
    partition: inputs.partition as Partition | 'all',
    filter: inputs.filter as JsonObject | undefined,
    labels: inputs.snapshot?.ontologySpec.labels ?? [],
    isSpreadsheetSafe: inputs.spreadsheetSafe,
  });
  return { bucket: spec as Json, ...written };
}

async function writePartitions(
  { platform, signal, progress, assertAllRead }: Run,
  dataset: Readonly<Dataset>,
  { partition, filter, maxUnreadableShare }: Omit<ConvertInputs, 'folder'>,
  bucket: Bucket,
  convert: (data: PartitionData<unknown>) => Promise<void>,
  prepare: Parameters<typeof openPartition>[2],
): Promise<JsonObject> {
  const wanted = partition === 'all' ? PARTITIONS : [partition as Partition];
  const items: Record<string, number> = {};
  const failed: JsonObject[] = [];
  let unlabelled = 0;
  for (const [index, each] of wanted.entries()) {
    const narrow = filter as JsonObject | undefined;
    const from = { datasetId: dataset.id, partition: each, filter: narrow, maxUnreadableShare };
    const data = await openPartition(platform, from, prepare, signal);
    if (data.count === 0) continue;
    await convert(data);
    assertAllRead();
    items[each] = data.used;
    unlabelled += data.leftOut.unlabelled;
    failed.push(...data.leftOut.failed.map((one) => ({ ...one })));
    progress(((index + 1) / wanted.length) * 100, each);
  }
  if (Object.keys(items).length === 0)
    throw new InvalidInput('input of convert', [
      { field: 'partition', problem: `no item of dataset ${dataset.name} is in ${wanted.join(', ')}` },
    ]);
  const files: JsonObject[] = [];
  for await (const { key, sizeBytes } of bucket.list()) files.push({ path: key, sizeBytes });
  return { items, files, unlabelled, failed };
}

async function importItems(
  { platform, actor, signal, progress }: Run,
  dataset: Readonly<Dataset>,
  folder: string,
  converted: AsyncIterable<{ filename: string; content: Uint8Array; label: string | undefined }>,
): Promise<JsonObject> {
  const below = folder.replace(/\/+$/, '');
  const entries = async function* () {
    for await (const { filename, content, label } of converted)
      yield { path: `${below}${filename}`, bytes: content, ...(label !== undefined && { label }) };
  };
  const { created, overwritten, failures, unreadable } = await uploadItems(
    platform,
    actor,
    dataset.id,
    entries(),
    {
      mode: 'overwrite',
      signal,
      onProgress: (done) => progress(0, `${done} items`),
    },
  );
  return {
    created,
    overwritten,
    unreadable: unreadable.map(({ path, problem }) => ({ filename: path, message: problem })),
    unreadableCount: unreadable.length,
    failed: failures.map(({ path, error }) => ({ filename: path, code: error.code, message: error.message })),
  };
}

/** A `local` bucket without a path belongs to the run. */
function ownerOf({ executionId }: Run, dataset: Readonly<Dataset>): { id: string; projectId: string } {
  return { id: executionId, projectId: dataset.projects[0]! };
}

async function targetOf(run: Run, projectId: string, bucket: Json | undefined): Promise<BucketSpec> {
  if (bucket !== undefined) return parse(bucketSpecSchema, bucket, 'bucket');
  const itemId = await artifactFolder(run.platform, run.actor, projectId, `/executions/${run.executionId}`);
  return { type: 'item', itemId };
}
