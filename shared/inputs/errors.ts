import type { Item } from '../entities/item.ts';
import { ModelfnError, messageOf } from '../errors.ts';

/** The bytes of one item are not what they are taken for. The items beside it are not touched by it. */
export class ItemUnreadable extends ModelfnError {
  override readonly name = 'ItemUnreadable';
  readonly code = 'ItemUnreadable';
  readonly statusCode = 422;
  constructor(item: Pick<Item, 'id' | 'filename'>, problem: string, cause?: unknown) {
    const why = cause === undefined ? '' : ` (${messageOf(cause).split('\n', 1)[0]})`;
    super(`${item.filename} ${problem}${why}. Upload a good copy of it, or leave it out with a filter.`, {
      details: { item: item.id, filename: item.filename },
      cause,
    });
  }
}
