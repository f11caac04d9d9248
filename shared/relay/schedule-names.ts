import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../json.ts';

/**
 * The name of a schedule: whose it is, and a digest of what it says. A trigger that changed has schedules of other names, so
 * that a list of names is all that is needed to tell what is out of step. At most 64 letters, digits and hyphens.
 */
export function scheduleName(triggerId: string, says: Json): string {
  return schedulePrefix(triggerId) + digest(canonicalJson(says));
}

/** Start of the names of all schedules of a trigger. */
export function schedulePrefix(triggerId: string): string {
  return `cron-${digest(triggerId)}-`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
