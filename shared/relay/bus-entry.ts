import type { OutboxEntry } from '../store/entity-store.ts';

/** An event as `PutEvents` takes it, and what it counts there. */
export interface BusEntry {
  readonly entry: OutboxEntry;
  readonly sent: {
    readonly Time: number;
    readonly Source: string;
    readonly DetailType: string;
    readonly Detail: string;
    readonly EventBusName: string;
  };
  readonly bytes: number;
}

/** Most entries of one call, and bytes of all of them together. */
export const MAX_ENTRIES = 10;
export const MAX_BYTES = 256 * 1024;

/** Stands for nobody: a rule would take an empty list for one that is not there, and events without one are everybody's. */
const NOBODY = 'none';

/**
 * The event with the names of the functions it is for, by which rules decide whom to invoke.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
 */
export function busEntry(entry: OutboxEntry, functions: readonly string[], bus: string): BusEntry {
  const { event, createdAt } = entry;
  const detail = { ...event, functions: functions.length > 0 ? [...functions] : [NOBODY] };
  const sent = {
    Time: Date.parse(createdAt) / 1000,
    Source: 'modelfn',
    DetailType: `${event.resource} ${event.action}`,
    Detail: JSON.stringify(detail),
    EventBusName: bus,
  };
  const texts = [sent.Source, sent.DetailType, sent.Detail];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 14);
  return { entry, sent, bytes };
}

/** Runs of entries that one call may carry, in their order. Entries that no call may carry are not among them. */
export function packed(entries: readonly BusEntry[]): BusEntry[][] {
  const batches: BusEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const batch = batches.at(-1);
    if (batch && batch.length < MAX_ENTRIES && bytes + entry.bytes <= MAX_BYTES) {
      batch.push(entry);
      bytes += entry.bytes;
    } else {
      batches.push([entry]);
      bytes = entry.bytes;
    }
  }
  return batches;
}
