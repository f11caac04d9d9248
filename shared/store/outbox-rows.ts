import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { OutboxEntry } from './entity-store.ts';
import { type ReportUnreadable, SHOWN_IDS } from './unreadable.ts';

/** A row of the outbox. */
export interface OutboxRow {
  sequence: number;
  event: string;
  created_at: string;
}

/** Rows as entries; damaged ones are left out and reported. */
export function readEntries(rows: readonly OutboxRow[], report: ReportUnreadable): OutboxEntry[] {
  const damaged: string[] = [];
  const entries = rows.flatMap(({ sequence, event, created_at }): OutboxEntry[] => {
    try {
      return [{ sequence, event: JSON.parse(event) as DatasetEvent, createdAt: created_at }];
    } catch {
      damaged.push(String(sequence));
      return [];
    }
  });
  if (damaged.length > 0) report({ kind: 'event', count: damaged.length, ids: damaged.slice(0, SHOWN_IDS) });
  return entries;
}
