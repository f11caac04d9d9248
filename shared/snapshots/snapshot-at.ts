import type { Snapshot } from '../entities/snapshot.ts';
import { revisionId } from '../entities/snapshot-revision.ts';
import type { Run } from '../invoke/run.ts';
import { deepFreeze } from '../json.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { noticeDirectWrites } from './direct-writes.ts';
import { atRevision, readRevision } from './revisions.ts';

type Caller = Pick<Run, 'container' | 'platform' | 'actor' | 'signal'>;

/**
 * The snapshot as it was at a revision; without one, as it is now: files that another client wrote into its bucket before
 * the call are its current revision. Records never change, so the container's cache is used for them.
 * @throws RevisionNotFound; the codes of `noticeDirectWrites`
 */
export async function snapshotAt(
  run: Caller,
  snapshot: Readonly<Snapshot>,
  revision: number | undefined,
): Promise<Readonly<Snapshot>> {
  if (revision === undefined) return currentSnapshot(run, snapshot);
  if (revision === snapshot.revision && snapshot.weights !== null) return snapshot;
  const { platform, entities } = run.container;
  const id = revisionId(snapshot.id, revision);
  const known = (await entities.getMany(platform.store, 'SnapshotRevision', [id])).get(id);
  const record = known ?? (await readRevision(platform.store, snapshot, revision));
  return deepFreeze(atRevision(snapshot, record));
}

/**
 * The snapshot with what was written into its bucket, for work that reads its weights. A bucket that does not answer does
 * not hold the caller back after its signal. @throws as `noticeDirectWrites`; the signal's reason
 */
export function currentSnapshot(
  { container, platform, actor, signal }: Caller,
  snapshot: Readonly<Snapshot>,
): Promise<Readonly<Snapshot>> {
  const options = { actor, signal, cache: container.files };
  return unlessAborted(noticeDirectWrites(platform, snapshot, options), signal);
}
