import type { Item } from '../entities/item.ts';
import { type ErrorBody, toErrorBody } from '../errors.ts';
import { Room } from './room.ts';

/** Items at work at once: enough to keep all cores decoding while a batch is inferred. */
const MOST_AT_ONCE = 32;
/** Bytes of the files of items at work at once; one that is larger is alone. */
const MOST_BYTES_AT_ONCE = 64 * 2 ** 20;

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
  const room = new Room(MOST_AT_ONCE, MOST_BYTES_AT_ONCE);
  const begin = async (index: number): Promise<void> => {
    signal.throwIfAborted();
    try {
      results[index] = { result: await work(entries[index]!) };
    } catch (error) {
      results[index] = { error: toErrorBody(error) };
    }
  };
  await Promise.all(
    entries.map((entry, index) => room.within(itemOf(entry).content?.sizeBytes ?? 0, () => begin(index))),
  );
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
