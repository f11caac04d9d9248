import { inParallel } from '../../content/in-parallel.ts';
import { expecting, type FetchOptions } from './fetch-file.ts';
import type { FileCache } from './file-cache.ts';
import type { PlacedFile } from './places.ts';

/** Files of a pack looked for in the cache at once. */
const PARALLEL = 4;
/** Files of a pack awaited at once: a pack may have a hundred thousand, and each takes some memory until it is there. */
const FETCHED_AT_ONCE = 512;

/** A file of a pack and where it is to be laid out: more than once when a folder has the same bytes under several paths. */
interface PackedTarget {
  file: PlacedFile;
  targets: string[];
}

/**
 * Lays files of one pack out, those that the cache has from there and the others with as few requests as they need;
 * answers the bytes moved. Nothing is kept of bytes that are not those expected. The folders of the targets are there.
 * @throws WeightsCorrupt, WeightsMissing
 */
export async function fetchPack(
  files: readonly PlacedFile[],
  targetOf: (path: string) => string,
  options: FetchOptions & { signal: AbortSignal },
): Promise<number> {
  const { bucket, cache, signal } = options;
  const missing = await linkCached(byDigest(files, targetOf), options);
  missing.sort((a, b) => a.file.place.start - b.file.place.start);
  let movedBytes = 0;
  for (let at = 0; at < missing.length; at += FETCHED_AT_ONCE) {
    const wanted = missing.slice(at, at + FETCHED_AT_ONCE).map(({ file, targets }) => ({
      ...file,
      targets,
      ...expecting(file, { what: 'its pack', sizeBytes: file.place.object.sizeBytes }, options),
    }));
    movedBytes += await cache.fetchPacked(bucket, wanted, signal);
  }
  return movedBytes;
}

/**
 * Links what the cache has; answers what is left. While that goes on others bring files in, so it is looked again before
 * anything is fetched; what somebody fetches just now is left to be waited for.
 */
async function linkCached(
  files: readonly PackedTarget[],
  options: FetchOptions & { signal: AbortSignal },
): Promise<PackedTarget[]> {
  const { cache, signal } = options;
  const tried = new Set<PackedTarget>();
  for (let left = files; ; left = left.filter(({ targets }) => targets.length > 0)) {
    const cached = left.filter((each) => !tried.has(each) && isCached(cache, each));
    if (cached.length === 0) return [...left];
    await inParallel(cached, PARALLEL, async (each) => {
      signal.throwIfAborted();
      tried.add(each);
      await linkFrom(options, each);
    });
  }
}

function isCached(cache: FileCache, { file }: PackedTarget): boolean {
  return !cache.isFetching(file.sha256) && cache.has(file.sha256);
}

/** Takes those targets away that could be linked. */
async function linkFrom({ cache, signal }: FetchOptions, { file, targets }: PackedTarget): Promise<void> {
  while (targets.length > 0 && (await cache.link(file.sha256, targets[0]!, signal))) targets.shift();
}

function byDigest(files: readonly PlacedFile[], targetOf: (path: string) => string): PackedTarget[] {
  const targets = new Map<string, PackedTarget>();
  for (const file of files) {
    const known = targets.get(file.sha256);
    if (known) known.targets.push(targetOf(file.path));
    else targets.set(file.sha256, { file, targets: [targetOf(file.path)] });
  }
  return [...targets.values()];
}
