import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { jsonObjectSchema, nameSchema } from '../entities/fields.ts';
import type { Snapshot } from '../entities/snapshot.ts';
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
import { insertSnapshot } from './snapshots.ts';

const cloneSchema = z.object({
  name: nameSchema,
  /** Goes key by key over the source's configuration. */
  configuration: z.nullish(jsonObjectSchema),
  withWeights: z._default(z.boolean(), false),
});
export type SnapshotClone = z.input<typeof cloneSchema>;

/**
 * Makes a child of a snapshot: the same model, dataset, labels and configuration, a local bucket of its own. With
 * `withWeights` the saved weights are copied, manifest last, before the entity is written, and count as its first
 * revision; files that lie bare are copied as they are. Without, it starts at revision 0 with no weights.
 * @throws InvalidInput, EntityNotFound, SnapshotNameTaken (code `Conflict`), WeightsMissing, WeightsCorrupt, the codes of buckets
 */
export async function cloneSnapshot(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Snapshot> {
  const { name, configuration, withWeights } = parse(cloneSchema, input, 'clone of a snapshot');
  const found = await snapshotFor(platform.store, actor, id);
  const source = withWeights ? await noticeDirectWrites(platform, found, { actor }) : found;
  const cloneId = platform.ids.objectId();
  const clone = {
    id: cloneId,
    name,
    projectId: source.projectId,
    modelId: source.modelId,
    datasetId: source.datasetId,
    parentId: source.id,
    revision: 0,
    weights: null,
    ontologySpec: source.ontologySpec,
    bucket: defaultBucket(platform.config, cloneId),
    configuration: { ...source.configuration, ...configuration },
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
