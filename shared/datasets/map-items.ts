import type { Item } from '../entities/item.ts';
import { type ErrorBody, toErrorBody } from '../errors.ts';
import { isItemFault } from './item-fault.ts';
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
 * Runs `work` for each entry, several at once; results are in the order of the entries. An error about an item fails that
 * entry alone. Any other error, such as storage that is unavailable, stops the rest and is thrown.
 * @throws the first error that is not about one item; the signal's reason
 */
export async function mapItems<From, Result>(
  entries: readonly From[],
  itemOf: (entry: From) => Readonly<Item>,
  work: (entry: From) => Promise<Result> | Result,
  signal: AbortSignal,
): Promise<{ done: { from: From; result: Result }[]; failed: FailedItem[] }> {
  const results = new Array<{ result: Result } | { error: ErrorBody }>(entries.length);
  const room = new Room(MOST_AT_ONCE, MOST_BYTES_AT_ONCE);
  let fault: { error: unknown } | undefined;
  const begin = async (index: number): Promise<void> => {
    if (fault) return;
    try {
      signal.throwIfAborted();
      results[index] = { result: await work(entries[index]!) };
    } catch (error) {
      if (signal.aborted || !isItemFault(error)) fault ??= { error: signal.aborted ? signal.reason : error };
      else results[index] = { error: toErrorBody(error) };
    }
  };
  await Promise.all(
    entries.map((entry, index) => room.within(itemOf(entry).content?.sizeBytes ?? 0, () => begin(index))),
  );
  if (fault) throw fault.error;
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
