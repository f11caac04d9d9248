import * as z from 'zod/mini';
import { LOCAL_ACTOR } from '../../auth/actor.ts';
import { scheduledExecutionId } from '../../cron/execution-id.ts';
import { idSchema } from '../../entities/fields.ts';
import type { JsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import { isServiceActive } from '../../services/active-service.ts';
import { deployedFunctionOf } from '../deployed-function.ts';
import { RunYielded } from '../errors.ts';
import type { FunctionSpec, InputSpecs } from '../function-spec.ts';
import { invoke } from '../invoke.ts';
import type { Container } from '../run.ts';

const scheduleSchema = z.object({
  trigger: idSchema,
  /** The time that was scheduled, not the time of the delivery. */
  time: z.iso.datetime({ offset: true }),
});

/**
 * A cron trigger's time, told by EventBridge Scheduler, whose schedule has the input
 * `{ "trigger": id, "time": "<aws.scheduler.scheduled-time>" }` and which delivers at least once: a time is one run. A trigger that is
 * gone, switched off, of another function or of a stopped service, or out of its bounds is nothing to do.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 * @throws what the run failed with, so that the scheduler tries again
 */
export async function callFromSchedule<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  payload: JsonObject,
  deadline: number | undefined,
): Promise<{ executions: string[] }> {
  const { trigger: triggerId, time } = parse(scheduleSchema, payload, 'event of a schedule');
  const { store } = container.platform;
  const trigger = await store.get('Trigger', triggerId);
  if (trigger?.type !== 'Cron' || !trigger.active) return { executions: [] };
  const { input, startAt, endAt, operation } = trigger.spec;
  const at = Date.parse(time);
  const isWithin =
    (startAt === null || at >= Date.parse(startAt)) && (endAt === null || at <= Date.parse(endAt));
  if (deployedFunctionOf(operation) !== spec.name || !isWithin) return { executions: [] };
  if (spec.target && !(await isServiceActive(store, operation))) return { executions: [] };
  const executionId = scheduledExecutionId(triggerId, time);
  // A run that was begun before the trigger changed goes on with the inputs it had.
  const begun = await store.get('Execution', executionId);
  const outcome = await invoke(container, spec, {
    functionName: operation.functionName,
    ...(spec.target && { serviceReference: operation.serviceId }),
    executionId,
    input: begun?.input ?? input,
    projectId: trigger.projectId,
    caller: 'event',
    actor: LOCAL_ACTOR,
    triggerId,
    deadline,
  });
  if (outcome.error !== undefined) throw outcome.error;
  if (outcome.yielded) throw new RunYielded(executionId, spec.name);
  return { executions: [executionId] };
}
