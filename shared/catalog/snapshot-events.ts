import type { Actor } from '../auth/actor.ts';
import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { TriggerAction } from '../entities/trigger.ts';
import type { Platform } from '../platform.ts';

/** The event that tells subscribers of a change of a snapshot. A deleted one's event carries what it was called. */
export function snapshotEvent(
  { ids }: Pick<Platform, 'ids'>,
  actor: Actor,
  action: TriggerAction,
  snapshot: Snapshot,
): DatasetEvent {
  const { id, name, modelId } = snapshot;
  return {
    id: ids.objectId(),
    resource: 'Snapshot',
    action,
    resourceId: id,
    datasetId: snapshot.datasetId,
    projectId: snapshot.projectId,
    userId: actor.email,
    body: action === 'Deleted' ? { id, name, modelId } : null,
  };
}
