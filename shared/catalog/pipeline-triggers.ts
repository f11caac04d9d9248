import { eachAlone, type Failure, mayPass } from '../each-alone.ts';
import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { PipelineGraph } from '../entities/pipeline.ts';
import { type EventTrigger, pipelineOf, type Trigger } from '../entities/trigger.ts';
import { isModelfnError, messageOf, toErrorBody } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { freeInputs } from '../pipelines/validate-graph.ts';
import type { Platform } from '../platform.ts';
import { listMatches } from './all-matches.ts';
import { firedExecutionId, resourceOf, wantsEvent } from './fired-trigger.ts';
import { executePipeline } from './pipelines.ts';

type Shop = Pick<Platform, 'store' | 'clock' | 'ids'> & { log?: Log };

/**
 * Records a run of every pipeline that an active trigger subscribes to one of the events. Must be called for each event
 * before it leaves the outbox. Idempotent: one run per event. A trigger that fails is logged and does not stop the others.
 * Returns the ids of the runs that exist now.
 * @throws the first retryable failure, after all other triggers were served
 */
export async function firePipelines(platform: Shop, events: readonly DatasetEvent[]): Promise<string[]> {
  const asked = new Map<string, EventTrigger[]>();
  const runs: string[] = [];
  let retryable: Failure<EventTrigger> | undefined;
  for (const event of events) {
    if (event.resource === 'Execution') continue;
    const key = JSON.stringify([event.projectId, event.resource]);
    const triggers = asked.get(key) ?? (await pipelineTriggers(platform, event));
    asked.set(key, triggers);
    const failures = await eachAlone(triggers, async (trigger) => {
      if (!trigger.spec.actions.includes(event.action)) return;
      if (!(await wants(platform, trigger, event))) return;
      const id = await firePipeline(platform, trigger, firedExecutionId(trigger, event), event);
      if (id !== undefined) runs.push(id);
    });
    for (const failure of failures) {
      if (mayPass(failure.error)) retryable ??= failure;
      else tellFailure(platform, failure);
    }
  }
  if (retryable) throw retryable.error;
  return runs;
}

function tellFailure({ log }: Shop, { entry, error }: Failure<EventTrigger>): void {
  const { code, message } = toErrorBody(error);
  log?.error('pipeline of a trigger is not begun', { trigger: entry.id, code, reason: message });
}

/** Logs a filter that cannot be used any more; it stops nothing else. */
async function wants({ store, log }: Shop, trigger: EventTrigger, event: DatasetEvent): Promise<boolean> {
  try {
    return await wantsEvent(store, trigger, event);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (mayPass(cause)) throw cause;
    log?.error('filter of a trigger cannot be used', {
      trigger: trigger.id,
      reason: messageOf(cause ?? error),
    });
    return false;
  }
}

/** Records the run of a trigger's pipeline under an id; undefined when the pipeline refuses it, which the log tells. */
export async function firePipeline(
  platform: Shop,
  trigger: Trigger,
  executionId: string,
  event?: DatasetEvent,
): Promise<string | undefined> {
  const { store, log } = platform;
  const pipelineId = pipelineOf(trigger.spec.operation)!;
  const actor = { email: trigger.creator, projectIds: [trigger.projectId] };
  const pipeline = await store.get('Pipeline', pipelineId);
  const given = event && pipeline ? resourceInput(pipeline, event) : {};
  try {
    const input = { ...trigger.spec.input, ...given };
    return (await executePipeline(platform, actor, pipelineId, { input }, executionId)).id;
  } catch (error) {
    if (!isModelfnError(error) || error.statusCode >= 500) throw error;
    log?.error('pipeline of a trigger is not begun', {
      trigger: trigger.id,
      pipeline: pipelineId,
      code: error.code,
      reason: error.message,
    });
    return undefined;
  }
}

async function pipelineTriggers({ store }: Shop, event: DatasetEvent): Promise<EventTrigger[]> {
  const found = await listMatches(store, 'Trigger', {
    filter: {
      $and: [
        { active: true },
        { type: 'Event' },
        { 'spec.resource': event.resource },
        { 'spec.operation.type': 'pipeline' },
      ],
    },
    scope: { projectIds: [event.projectId] },
    skipsUnreadable: true,
  });
  return found.filter((trigger) => trigger.type === 'Event');
}

/** The resource, as the pipeline takes it: in the free input of its name, or in the first of its type; else not at all. */
export function resourceInput(graph: PipelineGraph, event: DatasetEvent): JsonObject {
  const { name, reference } = resourceOf(event);
  const free = freeInputs(graph);
  const own = free.find((port) => port.name === name) ?? free.find(({ type }) => type === event.resource);
  if (own) return { [own.name]: reference };
  const list = free.find(({ type }) => type === `${event.resource}[]`);
  return list ? { [list.name]: [reference] } : {};
}
