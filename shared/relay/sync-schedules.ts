import { listMatches } from '../catalog/all-matches.ts';
import { eventBridgeExpressions } from '../cron/eventbridge.ts';
import { eachAlone, type Failure } from '../each-alone.ts';
import type { CronTrigger } from '../entities/trigger.ts';
import { isModelfnError, toErrorBody } from '../errors.ts';
import type { Log } from '../log.ts';
import type { EntityStore } from '../store/entity-store.ts';
import type { CallAws } from './aws-caller.ts';
import { scheduleName, schedulePrefix } from './schedule-names.ts';
import { createSchedule, deleteSchedule, listSchedules, type NewSchedule } from './scheduler.ts';

export interface SyncOptions {
  store: EntityStore;
  call: CallAws;
  /** The schedule group that holds these schedules and no others. */
  group: string;
  /** The role under which the scheduler calls the functions. */
  roleArn: string;
  deadLetterArn: string;
  /** The function that is told of a trigger's times. */
  targetArn(trigger: CronTrigger): string;
  log: Log;
  now(): number;
}

/** AWS takes no start that lies back; what is so near is as good as begun. The function leaves out times before it anyway. */
const SOON_MS = 60_000;

/**
 * Keeps the schedules of EventBridge Scheduler in step with the active cron triggers: makes what is missing, then takes away
 * what no trigger has any more. May be called at any time, by several at once. A trigger that cannot be scheduled tells
 * why in its own `problem`, and in the log when that is new; it is never scheduled otherwise than it says.
 * A trigger that fails otherwise does not stop the others; its schedules stay as they are.
 * @throws the first failure, after the others were served
 */
export async function syncSchedules(options: SyncOptions): Promise<{ created: number; deleted: number }> {
  const { store, call, group } = options;
  const triggers = await listMatches(store, 'Trigger', { filter: { type: 'Cron' }, skipsUnreadable: true });
  const there = new Set(await listSchedules(call, group));
  const wanted = new Set<string>();
  let created = 0;
  const failures: Failure<{ id: string }>[] = await eachAlone(triggers, async (trigger) => {
    if (trigger.type !== 'Cron') return;
    const { schedules, problem: untranslatable } = schedulesOf(options, trigger);
    let problem = untranslatable;
    for (const schedule of schedules) {
      if (!there.has(schedule.name)) {
        problem = await createSchedule(call, group, schedule);
        if (problem !== undefined) break;
        created += 1;
      }
      wanted.add(schedule.name);
    }
    await tell(options, trigger, problem);
  });
  const kept = failures.map(({ entry }) => schedulePrefix(entry.id));
  const stale = [...there].filter(
    (name) => !wanted.has(name) && !kept.some((prefix) => name.startsWith(prefix)),
  );
  const left = await eachAlone(stale, (name) => deleteSchedule(call, group, name));
  for (const { entry, error } of failures)
    options.log.error('trigger is not scheduled', { trigger: entry.id, reason: toErrorBody(error).message });
  const [first] = [...failures, ...left];
  if (first) throw first.error;
  return { created, deleted: stale.length };
}

/** None for a trigger that is switched off or over. */
function schedulesOf(
  { now, targetArn, roleArn, deadLetterArn }: SyncOptions,
  trigger: CronTrigger,
): { schedules: NewSchedule[]; problem?: string } {
  const { cron, startAt, endAt } = trigger.spec;
  if (!trigger.active || (endAt !== null && Date.parse(endAt) < now())) return { schedules: [] };
  try {
    const target = targetArn(trigger);
    const schedules = eventBridgeExpressions(cron).map((expression) => ({
      name: scheduleName(trigger.id, { expression, startAt, endAt, target, roleArn, deadLetterArn }),
      expression,
      startDate:
        startAt !== null && Date.parse(startAt) > now() + SOON_MS ? Date.parse(startAt) / 1000 : undefined,
      // A time that is the end itself belongs to the trigger; the function leaves out those after it.
      endDate: endAt === null ? undefined : Math.ceil((Date.parse(endAt) + SOON_MS) / 1000),
      targetArn: target,
      roleArn,
      deadLetterArn,
      input: JSON.stringify({ trigger: trigger.id, time: '<aws.scheduler.scheduled-time>' }),
    }));
    return { schedules };
  } catch (error) {
    if (!isModelfnError(error)) throw error;
    return { schedules: [], problem: error.message };
  }
}

async function tell(
  { store, log }: SyncOptions,
  trigger: CronTrigger,
  problem: string | undefined,
): Promise<void> {
  if ((trigger.problem ?? undefined) === problem) return;
  if (problem !== undefined) log.error('trigger is not scheduled', { trigger: trigger.id, reason: problem });
  await store.update('Trigger', trigger.id, (current) =>
    current.type === 'Cron' ? { ...current, problem: problem ?? null } : current,
  );
}
