import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { newSnapshotSchema, type Snapshot, snapshotSchema } from '../entities/snapshot.ts';
import { hasCode, messageOf } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { noticeDirectWrites } from '../snapshots/direct-writes.ts';
import { ensureRecorded, recordRevision } from '../snapshots/revisions.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { checkSnapshotConfiguration } from './check-configuration.ts';
import { defaultBucket } from './default-bucket.ts';
import { givenFields } from './given-fields.ts';
import { modelFor, snapshotFor } from './model-access.ts';
import { SnapshotHasChildren, SnapshotNameTaken } from './model-errors.ts';
import { assertNoPrivateBucket } from './private-path.ts';
import { queryByEnvelope } from './query-by-envelope.ts';
import { removeOwnBucket, weightsAfter } from './snapshot-bucket.ts';
import { snapshotEvent } from './snapshot-events.ts';
import { ontologySpecOf, readDataset, readParts } from './snapshot-parts.ts';
import { assertNotInUse, childrenOf, removeSnapshots } from './snapshot-removal.ts';

/**
 * Makes a snapshot. A whole snapshot, as the client's own clone sends it, is taken for a new one: id, creator, times,
 * weights and lineage are not the caller's. Without an `ontologySpec`: the labels of the dataset's ontology now;
 * without a bucket: one of its own, where MODELFN_BUCKET says or in the state folder. Of the model's configuration nothing is copied.
 * @throws InvalidInput, EntityNotFound, ProjectMismatch, SnapshotNameTaken (code `Conflict`)
 */
export async function createSnapshot(platform: Platform, actor: Actor, input: unknown): Promise<Snapshot> {
  const fields = parse(newSnapshotSchema, givenFields(input), 'snapshot');
  if (fields.bucket) await assertNoPrivateBucket(platform.config, fields.bucket);
  return platform.store.transaction(async (store) => {
    const { model, dataset } = await readParts(store, actor, fields);
    const id = platform.ids.objectId();
    const snapshot = {
      id,
      name: fields.name,
      projectId: model.projectId,
      modelId: model.id,
      datasetId: fields.datasetId,
      parentId: fields.parentId,
      revision: 0,
      weights: null,
      ontologySpec: fields.ontologySpec ?? (await ontologySpecOf(store, dataset)),
      bucket: fields.bucket ?? defaultBucket(platform.config, id),
      configuration: fields.configuration ?? {},
      status: fields.status ?? 'created',
      lineage: {},
      tags: fields.tags ?? [],
      description: fields.description,
      global: fields.global ?? fields.is_global ?? false,
    };
    await checkSnapshotConfiguration(platform, model, snapshot);
    return insertSnapshot(platform, actor, store, snapshot);
  });
}

/**
 * Writes a new snapshot within a transaction that is open; creator, times and event are added, and the record of its
 * first revision when it comes with `saved` weights.
 * @throws SnapshotNameTaken (code `Conflict`)
 */
export async function insertSnapshot(
  platform: Platform,
  actor: Actor,
  store: EntityStore,
  fields: Omit<Snapshot, 'creator' | 'createdAt' | 'updatedAt'>,
  saved: { sizeBytes: number; files: number } | undefined = undefined,
): Promise<Snapshot> {
  const now = isoTime(platform.clock);
  const snapshot: Snapshot = { ...fields, creator: actor.email, createdAt: now, updatedAt: now };
  await orNameTaken(snapshot, () => store.insert('Snapshot', [snapshot]));
  if (saved) await recordRevision(store, snapshot, { ...saved, creator: actor.email, executionId: null });
  await store.appendEvents([snapshotEvent(platform, actor, 'Created', snapshot)]);
  return snapshot;
}

/** @throws EntityNotFound */
export function getSnapshot(platform: Platform, actor: Actor, id: string): Promise<Snapshot> {
  return snapshotFor(platform.store, actor, id);
}

/** Answers an envelope (docs/WIRE.md, Envelope) within what the actor may see. @throws InvalidFilter, InvalidInput */
export function querySnapshots(platform: Platform, actor: Actor, envelope: unknown): Promise<Page<Snapshot>> {
  return queryByEnvelope(platform, 'Snapshot', envelope, scopeOf(actor));
}

const given = newSnapshotSchema.shape;
const snapshotPatchSchema = z.object({
  name: z.nullish(given.name),
  datasetId: z.nullish(snapshotSchema.shape.datasetId),
  ontologySpec: given.ontologySpec,
  bucket: given.bucket,
  configuration: given.configuration,
  status: given.status,
  tags: given.tags,
  description: z.nullish(snapshotSchema.shape.description),
  global: given.global,
  is_global: given.is_global,
});
type SnapshotPatch = z.output<typeof snapshotPatchSchema>;

/**
 * Takes what may change from a whole snapshot; ids, parent, revision, weights and lineage in it are noise. While a run
 * writes its weights, what that run reads cannot change; the run itself, given as `executionId`, may change configuration
 * and status. A bucket without the saved weights' manifest makes their
 * pointer null: the files then lie bare in it, as a client puts them there.
 * @throws EntityNotFound, InvalidInput, SnapshotInUse, ProjectMismatch, SnapshotNameTaken (code `Conflict`); the codes
 * of buckets for a new one that cannot be opened
 */
export async function updateSnapshot(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
  options: { executionId?: string } = {},
): Promise<Readonly<Snapshot>> {
  const patch = parse(snapshotPatchSchema, input, 'update of a snapshot');
  const seen = await snapshotFor(platform.store, actor, id);
  if (patch.bucket && canonicalJson(patch.bucket) !== canonicalJson(seen.bucket))
    await assertNoPrivateBucket(platform.config, patch.bucket);
  const weights = await weightsAfter(platform, seen, patch.bucket ?? undefined);
  const updated = await platform.store.transaction(async (store) => {
    const current = await snapshotFor(store, actor, id);
    const next = applied(current, patch);
    // The bucket may change, and with it what the current revision is found by.
    await ensureRecorded(store, current);
    // A save that came in between wrote a pointer this look at the bucket knows nothing of.
    if (current.revision === seen.revision) next.weights = weights;
    const place = ({ bucket, weights: pointer }: Snapshot) => canonicalJson([bucket, pointer]);
    // The content of another bucket was never compared.
    if (place(next) !== place(current)) delete next.visible;
    if (canonicalJson(next) === canonicalJson(current)) return current;
    const isHolder = options.executionId !== undefined && current.run?.executionId === options.executionId;
    const frozen = isHolder ? heldPart : frozenPart;
    if (frozen(next) !== frozen(current)) await assertNotInUse({ store }, current);
    if (next.datasetId !== current.datasetId)
      await readDataset(store, actor, next.datasetId, current.projectId);
    if (settingsPart(next) !== settingsPart(current))
      await checkSnapshotConfiguration(platform, await modelFor(store, actor, next.modelId), next);
    next.updatedAt = isoTime(platform.clock);
    const written = await orNameTaken(next, () => store.update('Snapshot', id, () => next));
    await store.appendEvents([snapshotEvent(platform, actor, 'Updated', written)]);
    return written;
  });
  return patch.bucket ? withUploads(platform, actor, updated) : updated;
}

/**
 * The Dataloop SDK uploads weights and then updates the snapshot: its files are a revision from here on, and not only from
 * the next load. Other buckets are read whole for that, so it is left to the load; and so is whatever goes wrong.
 */
async function withUploads(
  platform: Platform,
  actor: Actor,
  snapshot: Readonly<Snapshot>,
): Promise<Readonly<Snapshot>> {
  if (snapshot.bucket.type !== 'item' || snapshot.run) return snapshot;
  try {
    return await noticeDirectWrites(platform, snapshot, { actor, mayBeEmpty: true });
  } catch (error) {
    platform.log.warn('the bucket of an updated snapshot could not be compared with it', {
      snapshotId: snapshot.id,
      reason: messageOf(error),
    });
    return snapshot;
  }
}

/**
 * Deletes a snapshot with its metrics. The folder that was its own goes after it; a bucket that was given is left
 * alone. `force` also takes one that has children, which keep naming it, or that a run writes just now, which then fails.
 * @throws EntityNotFound, SnapshotInUse, SnapshotHasChildren
 */
export async function deleteSnapshot(
  platform: Platform,
  actor: Actor,
  id: string,
  options: { force?: boolean } = {},
): Promise<void> {
  const snapshot = await platform.store.transaction(async (store) => {
    const current = await snapshotFor(store, actor, id);
    if (!options.force) {
      await assertNotInUse({ store }, current);
      const children = await childrenOf(store, id);
      if (children.length > 0)
        throw new SnapshotHasChildren(
          current,
          children.map(({ name }) => name),
        );
    }
    await removeSnapshots({ platform, actor }, store, [current]);
    return current;
  });
  await removeOwnBucket(platform, snapshot);
}

function applied(current: Snapshot, patch: SnapshotPatch): Snapshot {
  return {
    ...current,
    name: patch.name ?? current.name,
    datasetId: patch.datasetId === undefined ? current.datasetId : patch.datasetId,
    ontologySpec: patch.ontologySpec ?? current.ontologySpec,
    bucket: patch.bucket ?? current.bucket,
    configuration: patch.configuration ?? current.configuration,
    status: patch.status ?? current.status,
    tags: patch.tags ?? current.tags,
    description: patch.description === undefined ? current.description : patch.description,
    global: patch.global ?? patch.is_global ?? current.global,
  };
}

/** What a run that writes the weights reads or writes. */
function frozenPart(snapshot: Snapshot): string {
  return canonicalJson([snapshot.configuration, snapshot.status, heldPart(snapshot)]);
}

/** Fields that the check of a configuration reads. */
function settingsPart({ configuration, ontologySpec }: Snapshot): string {
  return canonicalJson([configuration, ontologySpec.labels]);
}

/** What not even the run that holds the snapshot may change. */
function heldPart({ bucket, ontologySpec, datasetId, weights }: Snapshot): string {
  return canonicalJson([bucket, ontologySpec, datasetId, weights]);
}

/** The store keeps names unique, whoever writes at the same time. */
async function orNameTaken<T>({ name, modelId }: Snapshot, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw hasCode(error, 'Conflict') ? new SnapshotNameTaken(name, modelId, error) : error;
  }
}
