import { hasStatus, isBucketMissing, type ReplyFailure } from './failures.ts';
import { ask, askForObject, type GcsPlace, objectTarget } from './object-call.ts';
import { Retries } from './retries.ts';

/**
 * Removes the object that is there now; nothing happens when there is none. Only the generation found is removed: a
 * request taken for lost that arrives late cannot take away what a later write put there. One that was replaced in
 * between was written at the same time as it was deleted, and may count as the later.
 */
export async function remove(place: GcsPlace, name: string): Promise<void> {
  try {
    const retries = new Retries(place.pace);
    for (let { generation } = await askForObject(place, name); ; ) {
      const refusal = await removeGeneration(place, name, generation);
      if (refusal === undefined) return;
      const newest = await askForObject(place, name);
      if (newest.generation !== generation) return;
      await retries.pause(refusal);
    }
  } catch (error) {
    if (!hasStatus(error, 404) || isBucketMissing(error)) throw error;
  }
}

/** Removes one generation of an object, unless it is gone already. Answers the refusal when another one is there. */
export async function removeGeneration(
  place: GcsPlace,
  name: string,
  generation: string,
  signal?: AbortSignal,
): Promise<ReplyFailure | undefined> {
  const target = objectTarget(place, name, { ifGenerationMatch: generation });
  try {
    await new Retries(place.pace, signal).run(async () => {
      const answer = await ask(place, { method: 'DELETE', target, signal }, 200, 204);
      for await (const _chunk of answer.body);
    });
  } catch (error) {
    if (hasStatus(error, 412)) return error;
    if (!hasStatus(error, 404) || isBucketMissing(error)) throw error;
  }
  return undefined;
}
