import type { Item } from '../entities/item.ts';
import { type ErrorBody, toErrorBody } from '../errors.ts';

/** Items read at once: enough to overlap reading with decoding, few enough to stay small in memory. */
const CONCURRENCY = 8;

/** An item that failed by itself while the others went on. */
export interface FailedItem {
  item_id: string;
  filename: string;
  code: string;
  message: string;
}

/**
 * Does `work` for each entry, several at once, results in the order of the entries. What `work` throws fails its
 * entry alone. Stops between entries when aborted.
 */
export async function mapItems<From, Result>(
  entries: readonly From[],
  itemOf: (entry: From) => Readonly<Item>,
  work: (entry: From) => Promise<Result> | Result,
  signal: AbortSignal,
): Promise<{ done: { from: From; result: Result }[]; failed: FailedItem[] }> {
  const results = new Array<{ result: Result } | { error: ErrorBody }>(entries.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < entries.length) {
      signal.throwIfAborted();
      const index = next;
      next += 1;
      try {
        results[index] = { result: await work(entries[index]!) };
      } catch (error) {
        results[index] = { error: toErrorBody(error) };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, entries.length) }, worker));
  const done: { from: From; result: Result }[] = [];
  const failed: FailedItem[] = [];
  for (const [index, entry] of entries.entries()) {
    const outcome = results[index]!;
    if ('result' in outcome) done.push({ from: entry, result: outcome.result });
    else {
      failed.push(describeFailure(itemOf(entry), outcome.error));
    }
  }
  return { done, failed };
}

/** An item that failed by `error`, as outputs name it. */
export function failedItem(item: Readonly<Item>, error: unknown): FailedItem {
  return describeFailure(item, toErrorBody(error));
}

function describeFailure({ id, filename }: Readonly<Item>, { code, message }: ErrorBody): FailedItem {
  return { item_id: id, filename, code, message };
}
