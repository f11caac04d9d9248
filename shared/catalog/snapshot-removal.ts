import type { Actor } from '../auth/actor.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Platform } from '../platform.ts';
import { holderOf, SnapshotInUse } from '../snapshots/snapshot-run.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { snapshotEvent } from './snapshot-events.ts';

/** @throws SnapshotInUse while a living run writes its weights; a run whose container is gone holds nothing */
export async function assertNotInUse({ store }: Pick<Platform, 'store'>, snapshot: Snapshot): Promise<void> {
  const holder = await holderOf(store, snapshot);
  if (holder !== undefined) throw new SnapshotInUse(snapshot, holder);
}

/** Takes snapshots and their metrics out of the store, within a transaction that is open, and tells of it. */
export async function removeSnapshots(
  { platform, actor }: { platform: Pick<Platform, 'ids'>; actor: Actor },
  store: EntityStore,
  snapshots: readonly Snapshot[],
): Promise<void> {
  for (const part of chunksOf(snapshots)) {
    const chunk = part.map(({ id }) => id);
    const samples = await store.ids('MetricSample', { filter: { snapshotId: { $in: chunk } } });
    for (const ids of chunksOf(samples)) await store.delete('MetricSample', ids);
    await store.delete('Snapshot', chunk);
    await store.appendEvents(part.map((snapshot) => snapshotEvent(platform, actor, 'Deleted', snapshot)));
  }
}

export function snapshotsOfModel(store: EntityStore, modelId: string): Promise<Snapshot[]> {
  return listMatches(store, 'Snapshot', { filter: { modelId: { $in: [modelId] } } });
}

export function childrenOf(store: EntityStore, snapshotId: string): Promise<Snapshot[]> {
  return listMatches(store, 'Snapshot', { filter: { parentId: { $in: [snapshotId] } } });
}
