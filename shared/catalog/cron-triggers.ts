import { scheduledExecutionId } from '../cron/execution-id.ts';
import { latestTime } from '../cron/schedule.ts';
import type { CronTrigger } from '../entities/trigger.ts';
import { newExecution } from '../invoke/executions.ts';
import type { Platform } from '../platform.ts';
import { listMatches } from './all-matches.ts';
import { factsOf } from './called-function.ts';
import { executionEvent } from './execution-events.ts';

/**
 * Asks for the run of every active cron trigger whose time has come: of times that were missed the latest alone, and none
 * from before the trigger was made or last changed. May be called as often as one likes, by any number of processes: a time
 * is one run. Answers the ids of the executions that are new.
 */
export async function fireDueTriggers(
  platform: Pick<Platform, 'store' | 'clock' | 'ids'>,
): Promise<string[]> {
  const triggers = await listMatches(platform.store, 'Trigger', {
    filter: { $and: [{ active: true }, { type: 'Cron' }] },
  });
  const fired: string[] = [];
  for (const trigger of triggers) {
    if (trigger.type !== 'Cron') continue;
    const time = latestTime(trigger.spec, Date.parse(trigger.updatedAt), platform.clock.now());
    if (time === undefined) continue;
    const id = await fire(platform, trigger, time);
    if (id !== undefined) fired.push(id);
  }
  return fired;
}

/** `undefined` when this time has had its run. */
async function fire(
  platform: Pick<Platform, 'store' | 'clock' | 'ids'>,
  { id: triggerId, projectId, creator, spec }: CronTrigger,
  time: string,
): Promise<string | undefined> {
  const id = scheduledExecutionId(triggerId, time);
  if (await platform.store.get('Execution', id)) return undefined;
  const actor = { email: creator, projectIds: [projectId] };
  const { functionName, serviceId, packageId } = spec.operation;
  return platform.store.transaction(async (store) => {
    if (await store.get('Execution', id)) return undefined;
    // Deployed again since, a service may have lost the function: its run then tells so.
    const service = packageId == null ? undefined : await store.get('Service', serviceId!);
    if (packageId != null && !service?.active) return undefined;
    const pkg = service && (await store.get('Package', service.packageId));
    const call = {
      functionName,
      input: spec.input,
      projectId,
      triggerId,
      caller: 'event' as const,
      actor,
      ...(service && pkg && { serviceId: service.id, service: factsOf({ service, package: pkg }) }),
    };
    const execution = { ...newExecution(platform, id, call), projectId };
    await store.insert('Execution', [execution]);
    await store.appendEvents([executionEvent(platform, actor, execution)]);
    return id;
  });
}
