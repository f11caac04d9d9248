import type { Actor } from '../auth/actor.ts';
import type { Bucket, ObjectInfo } from '../buckets/bucket.ts';
import { snapshotEvent } from '../catalog/snapshot-events.ts';
import { isoTime } from '../clock.ts';
import { expectDigest } from '../content/byte-source.ts';
import type { Snapshot, VisibleFilesState } from '../entities/snapshot.ts';
import { hasCode, systemCode } from '../errors.ts';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { earlierFiles } from './earlier-files.ts';
import { SourceChanged, WeightsChanging } from './errors.ts';
import { listBareObjects } from './files/bare-files.ts';
import type { SavedFiles } from './files/commit-files.ts';
import type { WeightFile } from './files/manifest.ts';
import { saveKnownFiles } from './files/save-files.ts';
import { ensureRecorded, recordRevision } from './revisions.ts';
import { addCompanion } from './show-files.ts';
import { RevisionMoved } from './snapshot-run.ts';
import { isSameListing } from './visible-files.ts';

export interface AdoptOptions {
  /** Actor that found the files; who wrote them is not known. */
  actor: Actor;
  signal?: AbortSignal | undefined;
}

/** Files that lie in a snapshot's bucket under their own names. */
export interface FoundFiles {
  bucket: Bucket;
  objects: readonly ObjectInfo[];
  files: readonly WeightFile[];
  visible: VisibleFilesState;
}

/** Codes of places that cannot be written. */
const READ_ONLY = ['BucketReadOnly', 'BucketAccessDenied', 'BucketCallRefused', 'DatasetReadonly'];
const READ_ONLY_SYSTEM = ['EACCES', 'EPERM', 'EROFS'];

/**
 * Makes files that another client wrote the snapshot's next revision: objects and manifest are written beside them, so
 * that the revision can be restored when the files change once more. Where nothing can be written, and in git, which
 * keeps its own history, the revision has no manifest, and its files are read where they lie.
 * @throws RevisionMoved, SourceChanged, WeightsChanging; the bucket's codes
 */
export async function adoptFiles(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  found: FoundFiles,
  options: AdoptOptions,
): Promise<Snapshot> {
  const lineage: JsonObject = { direct: directLineage(snapshot, found.files) };
  const saved = await keepFiles(platform, snapshot, found, { lineage, ...options });
  const { bucket, objects, files, visible } = found;
  const now = saved ? await listBareObjects(bucket) : objects;
  if (!isSameListing(now, objects)) throw new WeightsChanging(snapshot.id, files[0]!.path);
  const moved = await moveTo(platform, snapshot, { lineage, saved, visible, actor: options.actor });
  platform.log.info('files written into the bucket by another client are a new revision', {
    snapshotId: moved.id,
    revision: moved.revision,
    files: files.length,
    isRestorable: saved !== undefined,
  });
  if (saved) await addCompanion(platform, bucket, files);
  return moved;
}

/** Revision after which a snapshot was changed by direct writes alone; its own when it was saved by a run. */
export function lastSavedRevision({ revision, lineage }: Readonly<Snapshot>): number {
  const { direct, restored, saved } = lineage;
  // A restore, a save and a clone take the lineage over, and are none.
  const isDirect = isJsonObject(direct) && direct.after === revision - 1 && !restored && !saved;
  return isDirect && typeof direct.base === 'number' ? direct.base : revision;
}

function directLineage(snapshot: Readonly<Snapshot>, files: readonly WeightFile[]): JsonObject {
  return { after: snapshot.revision, base: lastSavedRevision(snapshot), files: files.length };
}

async function keepFiles(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  { bucket, files }: FoundFiles,
  { lineage, signal }: AdoptOptions & { lineage: JsonObject },
): Promise<SavedFiles | undefined> {
  if (bucket.spec.type === 'git' || !bucket.capabilities.canWrite) return undefined;
  const { id: snapshotId, configuration, ontologySpec } = snapshot;
  const read = ({ path }: WeightFile) => bucket.read(path, signal ? { signal } : {});
  try {
    return await saveKnownFiles(
      {
        ...{ bucket, snapshotId, configuration, lineage, labels: ontologySpec.labels, clock: platform.clock },
        earlier: () => earlierFiles(platform, snapshot, { spec: snapshot.bucket, bucket }),
        revision: snapshot.revision + 1,
        ...(signal && { signal }),
      },
      files,
      (file) => expectDigest(read(file), file.sha256, () => new SourceChanged(file.path)),
    );
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    platform.log.warn('a revision of directly written files is not kept: the bucket cannot be written', {
      snapshotId,
      reason: String(error),
    });
    return undefined;
  }
}

function isReadOnly(error: unknown): boolean {
  if (READ_ONLY.some((code) => hasCode(error, code))) return true;
  const cause = error instanceof Error ? error.cause : undefined;
  return READ_ONLY_SYSTEM.includes(systemCode(cause) ?? '');
}

/** @throws RevisionMoved when the snapshot moved on, or has another bucket by now */
async function moveTo(
  { store, clock, ids }: Pick<Platform, 'store' | 'clock' | 'ids'>,
  snapshot: Readonly<Snapshot>,
  to: { lineage: JsonObject; saved: SavedFiles | undefined; visible: VisibleFilesState; actor: Actor },
): Promise<Snapshot> {
  const { lineage, saved, visible, actor } = to;
  const weights = saved ? { manifestKey: saved.manifestKey, manifestSha256: saved.manifestSha256 } : null;
  return store.transaction(async (inside) => {
    const before = await inside.get('Snapshot', snapshot.id);
    if (before) await ensureRecorded(inside, before);
    const moved = await inside.update('Snapshot', snapshot.id, (current) => {
      const isSameBucket = canonicalJson(current.bucket) === canonicalJson(snapshot.bucket);
      if (current.revision !== snapshot.revision || !isSameBucket)
        throw new RevisionMoved(snapshot, snapshot.revision, current.revision);
      return {
        ...current,
        revision: current.revision + 1,
        weights,
        visible,
        lineage,
        // A run that trains the snapshot goes on; its save comes after this revision.
        status: current.run ? current.status : 'trained',
        updatedAt: isoTime(clock),
      };
    });
    if (saved)
      await recordRevision(inside, moved, {
        executionId: null,
        creator: actor.email,
        sizeBytes: saved.sizeBytes,
        files: saved.files.length,
        ...(saved.manifestText !== undefined && { manifest: saved.manifestText }),
      });
    await inside.appendEvents([snapshotEvent({ ids }, actor, 'Updated', moved)]);
    return moved;
  });
}
