import { isModelfnError, systemCode } from '../errors.ts';
import { causesOf } from '../patience/backoff.ts';

/** Statuses of errors about the bytes of one item, such as ItemUnreadable. */
const ITEM_STATUSES = new Set([400, 413, 415, 422]);
/** Codes of the operating system and the network, such as EIO and ECONNRESET; those of Node contain an underscore. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;
/** A file in storage that is not the file that was stored. The file of the item is not known then. */
const DAMAGED_IN_STORAGE = new Set(['ContentMissing', 'ContentCorrupt', 'ContentCut']);

/**
 * True when an error is about one item: its bytes were read and cannot be used. Everything else, such as storage that is
 * unavailable or content that is missing, is a fault of the run: without the item the result would be smaller than the data.
 */
export function isItemFault(error: unknown): boolean {
  const causes = causesOf(error);
  if (causes.some((each) => SYSTEM_CODE.test(systemCode(each) ?? ''))) return false;
  return causes
    .filter(isModelfnError)
    .every(
      ({ code, retryable, statusCode }) =>
        !retryable && ITEM_STATUSES.has(statusCode) && !DAMAGED_IN_STORAGE.has(code),
    );
}
