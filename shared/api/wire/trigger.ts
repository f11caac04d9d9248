import { timesAfter } from '../../cron/schedule.ts';
import type { Trigger } from '../../entities/trigger.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

const SHOWN_RUNS = 5;

/** The keys of docs/WIRE.md, Triggers; a cron trigger also tells its next times after `now`, ms since 1970. */
export function triggerToWire(trigger: Trigger, baseUrl: string, now: number): JsonObject {
  const next =
    trigger.type === 'Cron'
      ? { nextRuns: trigger.active ? timesAfter(trigger.spec, now, SHOWN_RUNS) : [] }
      : {};
  return { ...trigger, ...next, url: linkTo(baseUrl, 'triggers', trigger.id) } as JsonObject;
}
