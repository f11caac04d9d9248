import type { Snapshot } from '../entities/snapshot.ts';
import { revisionId, type SnapshotRevision } from '../entities/snapshot-revision.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { RevisionNotFound } from './errors.ts';
import { revisionOfManifest } from './files/manifest.ts';

/** Numbers an error shows of the revisions there are. */
const SHOWN_REVISIONS = 20;

/** Who saved a revision, and how much it is. */
export type RevisionFacts = Pick<SnapshotRevision, 'executionId' | 'creator' | 'manifest'> & {
  sizeBytes: number | null;
  /** Number of files. */
  files: number | null;
};

/** A snapshot as it stands, as the record of its revision; `undefined` while nothing was saved through modelfn. */
export function revisionOf(snapshot: Readonly<Snapshot>, facts: RevisionFacts): SnapshotRevision | undefined {
  const { id, projectId, revision, weights, bucket, configuration, lineage, ontologySpec } = snapshot;
  if (weights === null || revision < 1) return undefined;
  return {
    id: revisionId(id, revision),
    snapshotId: id,
    projectId,
    revision,
    bucket,
    weights,
    configuration,
    lineage,
    labels: ontologySpec.labels,
    ...facts,
    createdAt: snapshot.updatedAt,
  };
}

/** Writes the record of a snapshot's new revision, within the transaction that moved it. */
export async function recordRevision(
  store: EntityStore,
  snapshot: Readonly<Snapshot>,
  facts: RevisionFacts,
): Promise<void> {
  const record = revisionOf(snapshot, facts);
  if (record) await store.upsert('SnapshotRevision', [record]);
}

/**
 * Sees to it that the snapshot's current revision has its record: stores older than the records get the entry when
 * they are first asked for it, or before the snapshot moves on. One that is there is left as it is.
 */
export async function ensureRecorded(store: EntityStore, snapshot: Readonly<Snapshot>): Promise<void> {
  const { creator } = snapshot;
  const record = revisionOf(snapshot, { executionId: null, creator, sizeBytes: null, files: null });
  if (record === undefined || (await store.get('SnapshotRevision', record.id))) return;
  await store.upsert('SnapshotRevision', [record]);
}

/** The manifest's text as the revision that was saved with it has it; `undefined` where it is long, or older than that. */
export async function recordedManifest(
  store: EntityStore,
  snapshotId: string,
  weights: Snapshot['weights'],
): Promise<string | undefined> {
  const revision = weights && revisionOfManifest(weights.manifestKey);
  if (!revision) return undefined;
  return (await store.get('SnapshotRevision', revisionId(snapshotId, revision)))?.manifest;
}

/** The record of one revision. @throws RevisionNotFound telling the ones there are */
export async function readRevision(
  store: EntityStore,
  snapshot: Readonly<Snapshot>,
  revision: number,
): Promise<SnapshotRevision> {
  await ensureRecorded(store, snapshot);
  const found = await store.get('SnapshotRevision', revisionId(snapshot.id, revision));
  if (found) return found;
  const { items } = await store.query('SnapshotRevision', {
    filter: { snapshotId: { $in: [snapshot.id] } },
    sort: [{ field: 'revision', direction: 'descending' }],
    pageSize: SHOWN_REVISIONS,
  });
  throw new RevisionNotFound(
    snapshot,
    revision,
    items.map((each) => each.revision),
  );
}

/** The snapshot as it was at a revision: its weights, bucket, configuration, lineage and labels. Frozen no deeper than given. */
export function atRevision(snapshot: Readonly<Snapshot>, record: Readonly<SnapshotRevision>): Snapshot {
  const { revision, bucket, weights, configuration, lineage, labels } = record;
  const ontologySpec = { ...snapshot.ontologySpec, labels };
  return { ...snapshot, revision, bucket, weights, configuration, lineage, ontologySpec };
}
