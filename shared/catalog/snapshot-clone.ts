import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { jsonObjectSchema, nameSchema } from '../entities/fields.ts';
import { type Snapshot, snapshotSchema } from '../entities/snapshot.ts';
import { canonicalJson } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { noticeDirectWrites } from '../snapshots/direct-writes.ts';
import { copyBareFiles, copyFiles } from '../snapshots/files/copy-files.ts';
import { openWeightsBucket } from '../snapshots/shared-files.ts';
import { digestFiles, NO_FILES } from '../snapshots/visible-files.ts';
import { checkSnapshotConfiguration } from './check-configuration.ts';
import { defaultBucket } from './default-bucket.ts';
import { modelFor, snapshotFor } from './model-access.ts';
import { removeOwnBucket } from './snapshot-bucket.ts';
import { ontologySpecOf, readDataset } from './snapshot-parts.ts';
import { insertSnapshot } from './snapshots.ts';

const cloneSchema = z.object({
  name: nameSchema,
  /** Goes key by key over the source's configuration. */
  configuration: z.nullish(jsonObjectSchema),
  /** Another dataset than the source's. Its labels replace the source's labels unless `labels` are given. */
  datasetId: z.nullish(snapshotSchema.shape.datasetId),
  labels: z.nullish(snapshotSchema.shape.ontologySpec.shape.labels),
  withWeights: z._default(z.boolean(), false),
});
export type SnapshotClone = z.input<typeof cloneSchema>;

/** Entries that the Dataloop SDK derives from the labels and writes into the configuration. */
const LABEL_MAPS = ['id_to_label_map', 'label_to_id_map'];

/**
 * Makes a child of a snapshot: the same model, and the same dataset, labels and configuration unless others are given, a
 * local bucket of its own. With other labels, the source's label maps are left out of the configuration. With
 * `withWeights` the saved weights are copied, manifest last, before the entity is written, and count as its first
 * revision; files that lie bare are copied as they are. Without, it starts at revision 0 with no weights.
 * @throws InvalidInput, EntityNotFound, ProjectMismatch, SnapshotNameTaken (code `Conflict`), WeightsMissing, WeightsCorrupt, the codes of buckets
 */
export async function cloneSnapshot(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Snapshot> {
  const given = parse(cloneSchema, input, 'clone of a snapshot');
  const { name, withWeights } = given;
  const found = await snapshotFor(platform.store, actor, id);
  const source = withWeights ? await noticeDirectWrites(platform, found, { actor }) : found;
  const parts = await readCloneParts(platform, actor, source, given);
  const cloneId = platform.ids.objectId();
  const clone = {
    id: cloneId,
    name,
    projectId: source.projectId,
    modelId: source.modelId,
    datasetId: parts.datasetId,
    parentId: source.id,
    revision: 0,
    weights: null,
    ontologySpec: parts.ontologySpec,
    bucket: defaultBucket(platform.config, cloneId),
    configuration: parts.configuration,
    status: 'created',
    lineage: {},
    tags: source.tags,
    description: source.description,
    global: source.global,
  } satisfies Parameters<typeof insertSnapshot>[3];
  const model = await modelFor(platform.store, actor, source.modelId);
  await checkSnapshotConfiguration(platform, model, clone);
  try {
    const { saved, ...copied }: Copied = withWeights ? await copyWeights(platform, source, clone) : {};
    return await platform.store.transaction(async (store) => {
      await snapshotFor(store, actor, id);
      return insertSnapshot(platform, actor, store, { ...clone, ...copied }, saved);
    });
  } catch (error) {
    await removeOwnBucket(platform, clone);
    throw error;
  }
}

/** @throws EntityNotFound, ProjectMismatch */
async function readCloneParts(
  { store }: Pick<Platform, 'store'>,
  actor: Actor,
  source: Readonly<Snapshot>,
  { datasetId, labels, configuration }: z.output<typeof cloneSchema>,
): Promise<Pick<Snapshot, 'datasetId' | 'ontologySpec' | 'configuration'>> {
  const isOther = datasetId != null && datasetId !== source.datasetId;
  const dataset = isOther ? await readDataset(store, actor, datasetId, source.projectId) : undefined;
  const ontologySpec = labels
    ? { ontologyId: 'null', labels }
    : isOther
      ? await ontologySpecOf(store, dataset)
      : source.ontologySpec;
  const hasSameLabels = canonicalJson(ontologySpec.labels) === canonicalJson(source.ontologySpec.labels);
  const kept = Object.entries(source.configuration).filter(
    ([key]) => hasSameLabels || !LABEL_MAPS.includes(key),
  );
  return {
    datasetId: datasetId ?? source.datasetId,
    ontologySpec,
    configuration: { ...Object.fromEntries(kept), ...configuration },
  };
}

type Copied = Partial<Pick<Snapshot, 'status' | 'weights' | 'revision' | 'lineage' | 'visible'>> & {
  /** What the record of the revision tells; missing for bare files. */
  saved?: { sizeBytes: number; files: number };
};

async function copyWeights(
  platform: Platform,
  source: Readonly<Snapshot>,
  clone: Pick<Snapshot, 'id' | 'projectId' | 'bucket'>,
): Promise<Copied> {
  const from = await openWeightsBucket(platform, { owner: source, ...source });
  const to = await platform.openBucket(clone, clone.bucket);
  const options = { from, to, snapshotId: source.id };
  if (source.weights === null) {
    await copyBareFiles(options);
    return { status: 'trained' };
  }
  const { sizeBytes, files } = await copyFiles({ ...options, weights: source.weights });
  const saved = { sizeBytes, files: files.length };
  const { sharedWith: _copied, ...weights } = source.weights;
  const visible = platform.config.visibleWeights.includes(clone.bucket.type)
    ? { sha256: digestFiles(files), pending: { before: null } }
    : { sha256: NO_FILES };
  return { status: 'trained', weights, revision: 1, lineage: source.lineage, visible, saved };
}
