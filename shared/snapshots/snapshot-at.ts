import type { Snapshot } from '../entities/snapshot.ts';
import { revisionId } from '../entities/snapshot-revision.ts';
import type { Container } from '../invoke/run.ts';
import { deepFreeze } from '../json.ts';
import { atRevision, readRevision } from './revisions.ts';

/**
 * The snapshot as it was at a revision, for who loads it; as it is when none is asked for. Records never change, so
 * the container's cache answers for them. @throws RevisionNotFound
 */
export async function snapshotAt(
  { platform, entities }: Pick<Container, 'platform' | 'entities'>,
  snapshot: Readonly<Snapshot>,
  revision: number | undefined,
): Promise<Readonly<Snapshot>> {
  if (revision === undefined || (revision === snapshot.revision && snapshot.weights !== null))
    return snapshot;
  const id = revisionId(snapshot.id, revision);
  const known = (await entities.getMany(platform.store, 'SnapshotRevision', [id])).get(id);
  const record = known ?? (await readRevision(platform.store, snapshot, revision));
  return deepFreeze(atRevision(snapshot, record));
}
