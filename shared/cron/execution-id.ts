import { derivedId } from '../ids.ts';

/** The id of a trigger's run at a time: whoever fires it, and however often, it is one run. `time`: ISO-8601. */
export function scheduledExecutionId(triggerId: string, time: string): string {
  return derivedId('cron', triggerId, new Date(time).toISOString());
}
