import { listMatches } from '../../../shared/catalog/all-matches.ts';
import { restoreSnapshot } from '../../../shared/catalog/snapshot-revisions.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import { type SnapshotRevision, shownRevision } from '../../../shared/entities/snapshot-revision.ts';
import type { Json } from '../../../shared/json.ts';
import { noticeDirectWrites } from '../../../shared/snapshots/direct-writes.ts';
import { restoreFiles } from '../../../shared/snapshots/restore-files.ts';
import { ensureRecorded, readRevision } from '../../../shared/snapshots/revisions.ts';
import { openWeightsBucket } from '../../../shared/snapshots/shared-files.ts';
import type { Answer } from '../../command.ts';
import { WrongUsage } from '../../errors.ts';
import { progressBar } from '../../output/progress-bar.ts';
import { table } from '../../output/table.ts';
import { countText, sizeText } from '../../output/units.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';
import { snapshotToWire } from './entities.ts';

export async function listSaved(session: Session, reference: string): Promise<Answer> {
  const { store } = session.platform;
  const snapshot = await find(session, 'Snapshot', reference);
  await ensureRecorded(store, snapshot);
  const revisions = await listMatches(store, 'SnapshotRevision', {
    filter: { snapshotId: { $in: [snapshot.id] } },
    sort: [{ field: 'revision', direction: 'descending' }],
  });
  const empty = `Nothing was saved for snapshot ${snapshot.name} yet. Train it, or: modelfn save ${snapshot.name} --directory <folder>`;
  return {
    json: revisions.map((each) => shownRevision(each) as unknown as Json),
    text: table(
      ['REVISION', 'CREATED', 'FILES', 'SIZE', 'BUCKET', 'CREATOR', 'MADE BY'],
      revisions.map(rowOf),
      empty,
    ),
  };
}

export async function restore(
  session: Session,
  reference: string,
  options: { revision?: number; to?: string },
): Promise<Answer> {
  const snapshot = await find(session, 'Snapshot', reference);
  if (options.to !== undefined) return writeTo(session, snapshot, options.to, options.revision);
  const { revision } = options;
  if (revision === undefined)
    throw new WrongUsage(
      `Say which --revision to restore (see: modelfn snapshots revisions ${snapshot.name}), or give --to <folder> for the files of the current one.`,
    );
  const restored = await restoreSnapshot(session.platform, session.actor, snapshot.id, { revision });
  return {
    json: snapshotToWire(restored),
    text: `Restored revision ${revision} of ${snapshot.name} as revision ${restored.revision}.`,
  };
}

async function writeTo(
  session: Session,
  snapshot: Snapshot,
  folder: string,
  wanted: number | undefined,
): Promise<Answer> {
  const { platform, actor, io, mode } = session;
  const current = wanted === undefined ? await noticeDirectWrites(platform, snapshot, { actor }) : snapshot;
  const record = await readRevision(platform.store, current, wanted ?? current.revision);
  const directory = session.path(folder);
  const bar = progressBar(io, 'restore', mode.json);
  const files = await restoreFiles({
    bucket: await openWeightsBucket(platform, { owner: snapshot, ...record }),
    weights: record.weights,
    snapshotId: snapshot.id,
    directory,
    signal: io.interrupted,
    onProgress: ({ doneBytes, totalBytes }) =>
      bar.update(totalBytes === 0 ? 1 : doneBytes / totalBytes, sizeText(doneBytes)),
  }).finally(() => bar.end());
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const { id, name } = snapshot;
  return {
    json: {
      snapshot: { id, name, revision: record.revision },
      directory,
      files: files.map((file) => ({ ...file })),
      sizeBytes,
    },
    text: `Wrote ${countText(files.length, 'file')}, ${sizeText(sizeBytes)}, of revision ${record.revision} of ${name} to ${folder}.`,
  };
}

function rowOf({
  revision,
  createdAt,
  files,
  sizeBytes,
  bucket,
  creator,
  lineage,
  executionId,
}: SnapshotRevision) {
  const size = sizeBytes === null ? null : sizeText(sizeBytes);
  return [revision, createdAt, files, size, bucket.type, creator, madeBy(lineage, executionId)];
}

function madeBy(lineage: SnapshotRevision['lineage'], executionId: string | null): string | null {
  const { restored, direct } = lineage as { restored?: { revision?: number }; direct?: object };
  if (restored?.revision !== undefined) return `restored from ${restored.revision}`;
  return direct === undefined ? executionId : 'another client';
}
