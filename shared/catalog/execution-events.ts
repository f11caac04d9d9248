import type { Actor } from '../auth/actor.ts';
import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { Execution } from '../entities/execution.ts';
import { deployedFunctionOf } from '../invoke/deployed-function.ts';
import type { Platform } from '../platform.ts';

/** Has an execution run: it leaves the outbox with the row it tells of, and the delivery calls the function with it. */
export function executionEvent(
  { ids }: Pick<Platform, 'ids'>,
  actor: Pick<Actor, 'email'>,
  { id, projectId, ...call }: Execution & { projectId: string },
): DatasetEvent {
  return {
    id: ids.objectId(),
    resource: 'Execution',
    action: 'Created',
    resourceId: id,
    datasetId: null,
    projectId,
    userId: actor.email,
    body: { functionName: deployedFunctionOf(call) },
  };
}
