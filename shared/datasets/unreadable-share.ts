import { ModelfnError } from '../errors.ts';
import type { InputSpec } from '../invoke/function-spec.ts';
import type { FailedItem } from './map-items.ts';

const MAX_NAMED = 5;
const MAX_DETAILED = 100;
/** Below the smallest item: 0.07 * 100 is 7.000000000000001 in floating point. */
const ROUNDING = 1e-9;

/** The input of functions that read many items into one result. */
export const MAX_UNREADABLE_SHARE_INPUT = {
  type: 'Number',
  least: 0,
  most: 1,
  description:
    'share of the items that may be unreadable, rounded up to whole items; MODELFN_MAX_UNREADABLE_SHARE when missing',
} as const satisfies InputSpec;

/** More items could not be read than the run tolerates. Nothing of the run was kept. */
export class TooManyUnreadable extends ModelfnError {
  override readonly name = 'TooManyUnreadable';
  readonly code = 'TooManyUnreadable';
  readonly statusCode = 422;
  constructor(fields: { failed: readonly FailedItem[]; items: number; share: number; from: string }) {
    const { failed, items, share, from } = fields;
    const allowed = allowedOf(share, items);
    const named = failed.slice(0, MAX_NAMED).map(({ filename, message }) => `${filename}: ${message}`);
    const more = failed.length > named.length ? ` And ${failed.length - named.length} more.` : '';
    super(
      `${failed.length} of ${items} items of ${from} cannot be used, more than the ${allowed} that may be left out. ${named.join(' ')}${more} ` +
        'Replace the files or exclude them with a filter. To allow more, set maxUnreadableShare of the run or MODELFN_MAX_UNREADABLE_SHARE.',
      {
        details: {
          unreadable: failed.length,
          items,
          allowed,
          maxUnreadableShare: share,
          failed: failed.slice(0, MAX_DETAILED).map((each) => ({ ...each })),
        },
      },
    );
  }
}

/** Limit of unreadable items in one partition of a run. */
export interface UnreadableLimit {
  /** 0..1 of the items, rounded up to whole items. */
  share: number;
  /** Names the items in the error, such as "the train partition". */
  from: string;
}

/**
 * Checks that few enough of `items` failed: at most the share, rounded up to a whole item, so that a small dataset tolerates
 * one unless the share is 0. At any share at least one item must be left.
 * @throws TooManyUnreadable
 */
export function assertFewUnreadable(
  failed: readonly FailedItem[],
  items: number,
  { share, from }: UnreadableLimit,
): void {
  if (failed.length > allowedOf(share, items)) throw new TooManyUnreadable({ failed, items, share, from });
}

function allowedOf(share: number, items: number): number {
  return Math.max(0, Math.min(items - 1, Math.ceil(share * items - ROUNDING)));
}
