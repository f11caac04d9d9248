import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isFinished } from '../entities/execution.ts';
import { idSchema } from '../entities/fields.ts';
import { LOG_LIMITS, type LogLine } from '../entities/log-line.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { readExecutionLogs } from './execution-logs.ts';
import { serviceFor } from './model-access.ts';

/** Executions that a service's log is read from, the newest. */
const MAX_EXECUTIONS = 50;

/** Number of the last line read of each execution. */
const placesSchema = z.record(idSchema, z.int().check(z.gte(0)));
type Places = z.output<typeof placesSchema>;

/** A part of a service's log. */
export interface ServiceLogPart {
  logs: (LogLine & { executionId: string })[];
  /** To be sent back for the next part. */
  checkpoint: number | Places;
  /** True when no run of it goes on and this is the end. */
  stop: boolean;
}

const querySchema = z.object({
  executionId: z.nullish(idSchema),
  functionName: z.nullish(z.string()),
  direction: z.nullish(z.enum(['asc', 'desc'])),
  size: z.nullish(z.int().check(z.gte(1), z.lte(LOG_LIMITS.lines))),
  checkpoint: z.nullish(z.union([z.int().check(z.gte(0)), placesSchema])),
  text: z.nullish(z.string()),
  /** Times, in any form that JavaScript reads. */
  start: z.nullish(z.string()),
  end: z.nullish(z.string()),
});
type LogQuery = z.output<typeof querySchema>;

/**
 * A service's log, as the SDK asks for it: that of one execution by `executionId`, or of its
 * newest 50, put together by time; narrowed by `functionName`, `text`, `start` and `end`.
 * @throws InvalidInput, EntityNotFound
 */
export async function queryServiceLogs(
  platform: Platform,
  actor: Actor,
  serviceId: string,
  input: unknown,
): Promise<ServiceLogPart> {
  const query = parse(querySchema, input ?? {}, 'query of logs');
  const part =
    query.executionId == null
      ? await logsOfService(platform, actor, serviceId, query)
      : await logsOfExecution(platform, actor, query.executionId, query);
  const from = query.start == null ? Number.NEGATIVE_INFINITY : Date.parse(query.start);
  const to = query.end == null ? Number.POSITIVE_INFINITY : Date.parse(query.end);
  const logs = part.logs.filter(({ timestamp, message }) => {
    const time = Date.parse(timestamp);
    return !(time < from) && !(time > to) && message.includes(query.text ?? '');
  });
  return { ...part, logs: query.direction === 'desc' ? logs.reverse() : logs };
}

async function logsOfExecution(
  platform: Platform,
  actor: Actor,
  executionId: string,
  { checkpoint, size }: LogQuery,
): Promise<ServiceLogPart> {
  const after = typeof checkpoint === 'number' ? checkpoint : (checkpoint?.[executionId] ?? 0);
  const range = { after, limit: size ?? LOG_LIMITS.lines };
  const part = await readExecutionLogs(platform, actor, executionId, range);
  return { ...part, logs: part.logs.map((line) => ({ ...line, executionId })) };
}

async function logsOfService(
  platform: Platform,
  actor: Actor,
  serviceId: string,
  { checkpoint, functionName, size }: LogQuery,
): Promise<ServiceLogPart> {
  const { id, projectId } = await serviceFor(platform.store, actor, serviceId);
  const { items: executions } = await platform.store.query('Execution', {
    filter: {
      $and: [
        { serviceId: { $in: [id] } },
        ...(functionName == null ? [] : [{ functionName: { $in: [functionName] } }]),
      ],
    },
    scope: scopeOf(actor, projectId),
    sort: [{ field: 'createdAt', direction: 'descending' }],
    pageSize: MAX_EXECUTIONS,
  });
  const places: Places = { ...(typeof checkpoint === 'object' ? checkpoint : {}) };
  const all: ServiceLogPart['logs'] = [];
  let stop = executions.every(isFinished);
  for (const { id: executionId } of executions) {
    const range = { after: places[executionId] ?? 0, limit: size ?? LOG_LIMITS.lines };
    const part = await readExecutionLogs(platform, actor, executionId, range);
    all.push(...part.logs.map((line) => ({ ...line, executionId })));
    places[executionId] = part.checkpoint;
    stop &&= part.stop;
  }
  all.sort((a, b) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0));
  return { logs: all, checkpoint: places, stop };
}
