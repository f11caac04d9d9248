import * as z from 'zod/mini';
import { idSchema } from '../entities/fields.ts';

/**
 * Why the relay is called: something was left for it, a minute is over, the time of a pipeline's cron trigger has come, or the
 * state machine of a pipeline's run has ended.
 */
export type RelayEvent =
  | { readonly kind: 'kick' | 'minute' }
  | { readonly kind: 'time'; readonly trigger: string; readonly time: string }
  | { readonly kind: 'ended'; readonly execution: string };

const callSchema = z.object({ relay: z.enum(['kick', 'minute']) });
/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const endSchema = z.object({
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.object({ name: idSchema }),
});
const timeSchema = z.object({ trigger: idSchema, time: z.iso.datetime({ offset: true }) });

/** Reads what the relay was invoked with; undefined for what no caller of it sends. */
export function relayEventOf(event: unknown): RelayEvent | undefined {
  const call = callSchema.safeParse(event);
  if (call.success) return { kind: call.data.relay };
  const end = endSchema.safeParse(event);
  if (end.success) return { kind: 'ended', execution: end.data.detail.name };
  const time = timeSchema.safeParse(event);
  return time.success ? { kind: 'time', ...time.data } : undefined;
}
