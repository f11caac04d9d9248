import { inParallel } from '../../content/in-parallel.ts';
import { WeightsMissing } from '../errors.ts';
import type { Manifest } from './manifest.ts';
import { objectsOf } from './places.ts';
import { type ReadManifestOptions, readManifest } from './read-manifest.ts';

/** Objects looked for at once. */
const PARALLEL = 8;

/**
 * Finds every file of a revision in its bucket, with the size it had; what the bytes are is checked by who loads them.
 * @throws WeightsMissing naming the file, WeightsCorrupt for the manifest, the bucket's codes
 */
export async function checkPresent(options: ReadManifestOptions): Promise<Manifest> {
  const { bucket, snapshotId, signal } = options;
  const { manifest } = await readManifest(options);
  await inParallel(objectsOf(manifest), PARALLEL, async ({ key, file, sizeBytes }) => {
    signal?.throwIfAborted();
    const there = await bucket.stat(key);
    if (there?.sizeBytes !== sizeBytes) throw new WeightsMissing({ snapshotId, file });
  });
  return manifest;
}
