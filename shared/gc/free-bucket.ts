import type { ObjectInfo } from '../buckets/bucket.ts';
import { chunksOf } from '../catalog/all-matches.ts';
import { ModelfnError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { savingInto } from './references.ts';
import type { Survey, SurveyedBucket } from './survey-bucket.ts';

/** Keys removed in one transaction: writers wait that long. */
const KEYS_AT_ONCE = 20;

/** What happens in a bucket just now and keeps `gc` from freeing there. The next time may be better. */
export class BucketBusy extends ModelfnError {
  override readonly name = 'BucketBusy';
  readonly code = 'BucketBusy';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(what: string) {
    super(`${what}. Nothing more is freed in this bucket; run gc again later.`, { details: { what } });
  }
}

/**
 * Frees the garbage of a survey; `onFreed` hears of each key once it is gone.
 *
 * Why no save loses what it relies on. A save may find an object already there, long unreferenced and old, and not send
 * it again; and the object may be in the survey's garbage. The store decides between the two:
 *
 * 1. A save notes on its snapshot where it writes, and whose files it may share, before it looks at its first object; the note goes in the very
 *    transaction that moves the snapshot and records the revision (`commit-weights.ts`).
 * 2. Keys are removed inside a transaction of the same store, and only when within it there is no note of a living run
 *    for this place, and no living revision points at a manifest the survey did not know.
 *
 * The removing transaction runs alone: no writer comes in between. So a save's note was written either
 * - before the removing transaction and is still there: the transaction sees it and removes nothing; or
 * - before it and is gone by the move: the transaction sees the new pointer and removes nothing; or it is gone because
 *   the save failed: then nothing relies on the object; or
 * - after it: the save looks for its objects when they are gone already, and sends them.
 *
 * A note whose run is dead by its lease is revoked in the removing transaction. Should that process only have slept, its
 * snapshot refuses to move (`SaveRevoked`), and the save is repeated. Removing takes a moment of the store's writers, not
 * of its readers. What is younger than the grace is never garbage: that covers who writes no note, as a clone under way,
 * which besides looks for its objects once more after its manifest.
 *
 * Manifests go before objects: stopped anywhere, no manifest is there without its objects.
 * @throws BucketBusy, the bucket's codes; what was freed before stays freed
 */
export async function freeGarbage(
  platform: Platform,
  target: SurveyedBucket,
  { garbage, references }: Survey,
  onFreed: (object: ObjectInfo) => void,
): Promise<void> {
  const { bucket, place, reader } = target;
  for (const objects of chunksOf(garbage, KEYS_AT_ONCE)) {
    const free = async (inside: EntityStore): Promise<void> => {
      const saving = await savingInto(platform, inside, place);
      if (saving) throw new BucketBusy(`A save of snapshot ${saving.name} (${saving.id}) is under way`);
      const { pointers } = await reader.read(inside);
      if ([...pointers.keys()].some((key) => !references.pointers.has(key)))
        throw new BucketBusy('Revisions were saved meanwhile');
      for (const { key } of objects) await bucket.delete(key);
    };
    await platform.store.transaction(free, { alone: true });
    objects.forEach(onFreed);
  }
}
