import * as z from 'zod/mini';
import { idSchema } from '../entities/fields.ts';

/** Why the relay is called: something was left for it, a minute is over, or the time of a pipeline's cron trigger has come. */
export type RelayEvent =
  | { readonly kind: 'kick' | 'minute' }
  | { readonly kind: 'time'; readonly trigger: string; readonly time: string };

const callSchema = z.object({ relay: z.enum(['kick', 'minute']) });
const timeSchema = z.object({ trigger: idSchema, time: z.iso.datetime({ offset: true }) });

/** Reads what the relay was invoked with; undefined for what no caller of it sends. */
export function relayEventOf(event: unknown): RelayEvent | undefined {
  const call = callSchema.safeParse(event);
  if (call.success) return { kind: call.data.relay };
  const time = timeSchema.safeParse(event);
  return time.success ? { kind: 'time', ...time.data } : undefined;
}
