import { Cron } from 'croner';
import type { CronTrigger } from '../entities/trigger.ts';
import { messageOf } from '../errors.ts';
import { CronNeverFires, InvalidCron } from './errors.ts';

type Spec = Pick<CronTrigger['spec'], 'cron' | 'startAt' | 'endAt'>;

/** @throws InvalidCron; CronNeverFires when there is no time after `now`, ms since 1970 */
export function assertFires(spec: Spec, now: number): void {
  if (timesAfter(spec, now, 1).length === 0) throw new CronNeverFires(spec);
}

/** The next times after `now`, ms since 1970, at most `count`, as the wire writes them. @throws InvalidCron */
export function timesAfter(spec: Spec, now: number, count: number): string[] {
  // A time that is `startAt` itself belongs to the schedule.
  const from = Math.max(now, startOf(spec) - 1);
  return readCron(spec.cron)
    .nextRuns(count, new Date(from))
    .filter((time) => time.getTime() <= endOf(spec))
    .map((time) => time.toISOString());
}

/** The last time at or before `now`, ms since 1970, if it is after `since`. @throws InvalidCron */
export function latestTime(spec: Spec, since: number, now: number): string | undefined {
  // The library answers times before the one it is given.
  const before = new Date(Math.min(now, endOf(spec)) + 1_000);
  const [time] = readCron(spec.cron)
    .previousRuns(2, before)
    .filter((each) => each.getTime() <= now);
  const isWanted = time && time.getTime() > since && time.getTime() >= startOf(spec);
  return isWanted ? time.toISOString() : undefined;
}

/** The cron library's reading of a schedule, in UTC. @throws InvalidCron */
export function readCron(cron: string): Cron {
  // The library also takes a single time, and more fields.
  if (!/^(@\w+|\S+(\s+\S+){4})$/.test(cron.trim())) throw new InvalidCron(cron, 'it has not five fields');
  try {
    return new Cron(cron.trim(), {
      paused: true,
      timezone: 'UTC',
      ...(!cron.trim().startsWith('@') && { mode: '5-part' }),
    });
  } catch (error) {
    throw new InvalidCron(
      cron,
      messageOf(error)
        .replace(/^CronPattern: /, '')
        .replace(/\.$/, ''),
    );
  }
}

function startOf({ startAt }: Spec): number {
  return startAt === null ? Number.NEGATIVE_INFINITY : Date.parse(startAt);
}

function endOf({ endAt }: Spec): number {
  return endAt === null ? Number.POSITIVE_INFINITY : Date.parse(endAt);
}
