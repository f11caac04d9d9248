import { scheduledExecutionId } from '../cron/execution-id.ts';
import { latestTime } from '../cron/schedule.ts';
import { eachAlone } from '../each-alone.ts';
import type { CronTrigger } from '../entities/trigger.ts';
import { toErrorBody } from '../errors.ts';
import { newExecution } from '../invoke/executions.ts';
import type { Log } from '../log.ts';
import type { Platform } from '../platform.ts';
import { listMatches } from './all-matches.ts';
import { factsOf } from './called-function.ts';
import { executionEvent } from './execution-events.ts';
import { firePipeline } from './pipeline-triggers.ts';

type Shop = Pick<Platform, 'store' | 'clock' | 'ids'> & { log?: Log };

/**
 * Requests the run of every active cron trigger whose time has come. Of missed times only the latest counts, and none from
 * before the trigger was created or last changed. Idempotent for any number of processes: one run per time. A trigger that
 * cannot be fired is logged and does not stop the others; the next look tries it again. Returns the ids of new executions.
 * @throws the failure when no trigger could be fired
 */
export async function fireDueTriggers(platform: Shop): Promise<string[]> {
  const triggers = await listMatches(platform.store, 'Trigger', {
    filter: { $and: [{ active: true }, { type: 'Cron' }] },
    skipsUnreadable: true,
  });
  const fired: string[] = [];
  let due = 0;
  const failures = await eachAlone(triggers, async (trigger) => {
    if (trigger.type !== 'Cron') return;
    due += 1;
    const time = latestTime(trigger.spec, Date.parse(trigger.updatedAt), platform.clock.now());
    if (time === undefined) return;
    const id = await fire(platform, trigger, time);
    if (id !== undefined) fired.push(id);
  });
  const [first] = failures;
  if (first && failures.length === due) throw first.error;
  for (const { entry, error } of failures) {
    const { code, message } = toErrorBody(error);
    const facts = { trigger: entry.id, project: entry.projectId, code, reason: message };
    platform.log?.error('trigger cannot be fired', { ...facts, failed: failures.length, due });
  }
  return fired;
}

/**
 * Asks for the run of a pipeline's trigger at a time that a scheduler tells of; the run's id. A trigger that is gone, switched off, of
 * a function or out of its bounds is nothing to do.
 */
export async function firePipelineAt(
  platform: Shop,
  triggerId: string,
  time: string,
): Promise<string | undefined> {
  const trigger = await platform.store.get('Trigger', triggerId);
  if (trigger?.type !== 'Cron' || !trigger.active || trigger.spec.operation.type !== 'pipeline')
    return undefined;
  const { startAt, endAt } = trigger.spec;
  const at = Date.parse(time);
  if ((startAt !== null && at < Date.parse(startAt)) || (endAt !== null && at > Date.parse(endAt)))
    return undefined;
  return firePipeline(platform, trigger, scheduledExecutionId(triggerId, time));
}

/** `undefined` when this time has had its run. */
async function fire(platform: Shop, trigger: CronTrigger, time: string): Promise<string | undefined> {
  const { id: triggerId, projectId, creator, spec } = trigger;
  const id = scheduledExecutionId(triggerId, time);
  const { operation } = spec;
  if (operation.type === 'pipeline') {
    const isThere = (await platform.store.get('PipelineExecution', id)) !== undefined;
    return isThere ? undefined : firePipeline(platform, trigger, id);
  }
  if (await platform.store.get('Execution', id)) return undefined;
  const actor = { email: creator, projectIds: [projectId] };
  const { functionName, serviceId, packageId } = operation;
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
