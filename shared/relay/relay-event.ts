import { isJsonObject } from '../json.ts';

/** Why the relay is called: something was left for it, or a minute is over. */
export type RelayEvent = { readonly kind: 'kick' } | { readonly kind: 'minute' };

/** Reads what the relay was invoked with; undefined for what no caller of it sends. */
export function relayEventOf(event: unknown): RelayEvent | undefined {
  if (!isJsonObject(event)) return undefined;
  return event.relay === 'kick' || event.relay === 'minute' ? { kind: event.relay } : undefined;
}
