import type { Snapshot } from '../entities/snapshot.ts';
import { revisionId } from '../entities/snapshot-revision.ts';
import type { Run } from '../invoke/run.ts';
import { checkPresent } from './files/check-present.ts';
import { type SavedFiles, sumBytes } from './files/commit-files.ts';
import { weightFiles } from './files/manifest.ts';
import { openWeightsBucket } from './shared-files.ts';

/**
 * What this very run made before it was cut off, when its revision is still the current one: the same call again is not
 * another revision.
 */
export async function savedBefore(
  snapshotId: string,
  { platform, executionId, signal }: Pick<Run, 'platform' | 'executionId' | 'signal'>,
): Promise<{ snapshot: Snapshot; saved: SavedFiles } | undefined> {
  const snapshot = await platform.store.get('Snapshot', snapshotId);
  const record =
    snapshot && (await platform.store.get('SnapshotRevision', revisionId(snapshotId, snapshot.revision)));
  if (record?.executionId !== executionId) return undefined;
  const bucket = await openWeightsBucket(platform, { owner: snapshot!, ...record });
  const files = weightFiles(await checkPresent({ bucket, weights: record.weights, snapshotId, signal }));
  const { sharedWith, ...weights } = record.weights;
  const sizeBytes = sumBytes(files);
  const saved = { ...weights, files, sizeBytes, uploadedBytes: 0, ...(sharedWith && { sharedWith }) };
  return { snapshot: snapshot!, saved };
}
