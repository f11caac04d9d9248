import { isoTime } from '../clock.ts';
import { isAlive, isFinished } from '../entities/execution.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { ModelfnError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';

type Shop = Pick<Platform, 'store' | 'clock'>;

/** A run writes the snapshot's weights just now: what it reads is frozen. */
export class SnapshotInUse extends ModelfnError {
  override readonly name = 'SnapshotInUse';
  readonly code = 'SnapshotInUse';
  readonly statusCode = 409;
  constructor(snapshot: Pick<Snapshot, 'id' | 'name'>, executionId: string) {
    super(
      `Snapshot ${snapshot.name} (${snapshot.id}) is in use by execution ${executionId}. Wait for it, terminate it, or clone the snapshot.`,
      { details: { snapshot: snapshot.id, executionId } },
    );
  }
}

/** Another save moved the snapshot on while this one was made. */
export class RevisionMoved extends ModelfnError {
  override readonly name = 'RevisionMoved';
  readonly code = 'RevisionMoved';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(snapshot: Pick<Snapshot, 'id' | 'name'>, expected: number, found: number) {
    super(
      `Snapshot ${snapshot.name} (${snapshot.id}) is at revision ${found}; these weights were made from revision ${expected}. The newer ones were kept; save again to put these over them.`,
      { details: { snapshot: snapshot.id, expected, found } },
    );
  }
}

/**
 * The execution that holds the snapshot, while it lives: an execution that ended, or whose container stopped renewing
 * its lease, holds nothing.
 */
export async function holderOf(
  store: EntityStore,
  snapshot: Pick<Snapshot, 'run'>,
): Promise<string | undefined> {
  const id = snapshot.run?.executionId;
  const execution = id === undefined ? undefined : await store.get('Execution', id);
  if (!execution || isFinished(execution)) return undefined;
  return isAlive(execution, await store.now()) ? execution.id : undefined;
}

/** Gives the snapshot to one run. @throws SnapshotInUse */
export async function beginRun(
  shop: Shop,
  snapshot: Readonly<Snapshot>,
  executionId: string,
): Promise<Snapshot> {
  const current = await shop.store.get('Snapshot', snapshot.id);
  const holder = current && (await holderOf(shop.store, current));
  if (holder !== undefined && holder !== executionId) throw new SnapshotInUse(snapshot, holder);
  return shop.store.update('Snapshot', snapshot.id, (now) => {
    const other = now.run?.executionId;
    if (other !== undefined && other !== executionId && other !== current?.run?.executionId)
      throw new SnapshotInUse(snapshot, other);
    return { ...now, status: 'training', run: { executionId }, updatedAt: isoTime(shop.clock) };
  });
}

/** Gives the snapshot back after a run that saved nothing: trained before is still trained. */
export async function abandonRun(shop: Shop, snapshotId: string, executionId: string): Promise<void> {
  await shop.store.update('Snapshot', snapshotId, (now) => {
    if (now.run?.executionId !== executionId) return now;
    return {
      ...now,
      status: now.revision > 0 ? 'trained' : 'failed',
      run: null,
      updatedAt: isoTime(shop.clock),
    };
  });
}

/** Gives back the snapshots that a run holds which was ended from outside. Within the run's project. */
export async function releaseSnapshots(
  shop: Shop,
  { id, projectId }: { id: string; projectId: string | null },
): Promise<void> {
  if (projectId === null) return;
  const held = await shop.store.ids('Snapshot', {
    filter: { 'run.executionId': id },
    scope: { projectIds: [projectId] },
  });
  for (const snapshotId of held) await abandonRun(shop, snapshotId, id);
}
