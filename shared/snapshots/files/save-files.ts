import type { Bucket } from '../../buckets/bucket.ts';
import { type Clock, isoTime } from '../../clock.ts';
import { Breather } from '../../content/breather.ts';
import { type ByteSource, expectDigest } from '../../content/byte-source.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { digestChunks, readFileChunks, readSmallFile, sha256Of } from '../../content/file-digest.ts';
import { layoutProblem } from '../../content/folder-layout.ts';
import { walkFolder } from '../../content/walk-folder.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { InvalidInput } from '../../errors.ts';
import type { JsonObject } from '../../json.ts';
import { NothingToSave, SourceChanged } from '../errors.ts';
import type { SharedObjects } from '../shared-files.ts';
import { bringRevision } from './bring-revision.ts';
import { commitFiles, type SavedFiles, type SaveProgress, sumBytes } from './commit-files.ts';
import { openStored } from './copy-files.ts';
import { HeldFiles } from './held-files.ts';
import { type WeightFile, weightFiles } from './manifest.ts';
import { firstOfEach, type PlacedFile, placedFiles } from './places.ts';
import { readManifest } from './read-manifest.ts';

/** Up to this size a file is read in one go. */
const READ_AT_ONCE_BYTES = 2 ** 20;

/** A file to be saved. `open` is called more than once and gives the same bytes each time. */
export interface SourceFile {
  path: string;
  open: () => ByteSource;
}

export interface RevisionOptions {
  bucket: Bucket;
  snapshotId: string;
  /** The revision these weights will be: from 1. */
  revision: number;
  configuration: JsonObject;
  lineage: JsonObject;
  labels?: readonly string[];
  clock: Clock;
  signal?: AbortSignal;
  onProgress?: SaveProgress;
  /** Files that may be left where they lie. */
  shared?: SharedObjects;
  /** Files of earlier revisions, some of which may lie in packs of the bucket: those stay there. */
  earlier?: () => Promise<readonly PlacedFile[]>;
}

export interface SaveOptions extends RevisionOptions {
  /** A folder whose files are saved, links that stay inside followed; or the files themselves. */
  source: string | readonly SourceFile[];
}

export interface SaveStoredOptions extends RevisionOptions {
  /** The bucket that holds the revision taken; may be `bucket` itself. */
  from: Bucket;
  weights: NonNullable<Snapshot['weights']>;
  /** Names the source in errors. */
  fromSnapshotId: string;
}

/**
 * Saves files as one revision of a snapshot's weights. The caller moves the snapshot to what comes back; until then
 * the earlier revision stays what it was. May be repeated, by several processes at once too: objects that are
 * already there are not sent again.
 * @throws NothingToSave, SourceChanged, FileRefused (a link that leaves the folder), InvalidInput (paths that clash),
 * the bucket's codes
 */
export async function saveFiles(options: SaveOptions): Promise<SavedFiles> {
  const { source, signal } = options;
  const sources = typeof source === 'string' ? await filesOf(source, signal) : source;
  if (sources.length === 0) throw new NothingToSave(options.snapshotId);
  const held = options.bucket.capabilities.prefersFewObjects ? new HeldFiles() : undefined;
  const files: WeightFile[] = [];
  const breather = new Breather();
  for (const { path, open } of sources) {
    const content = await digestSource(open(), held, signal);
    files.push({ path, ...content });
    await breather.step(content.sizeBytes);
  }
  const fault = layoutProblem(files);
  if (fault) throw new InvalidInput('files of a snapshot', [{ field: fault.file, problem: fault.problem }]);
  const opens = new Map(sources.map(({ path, open }) => [path, open]));
  return saveKnownFiles(
    options,
    files,
    ({ path, sha256 }) =>
      held?.take(sha256) ?? expectDigest(opens.get(path)!(), sha256, () => new SourceChanged(path)),
  );
}

/** Digest and size; what is in memory is held, as long as there is room, for whoever sends it. */
async function digestSource(
  source: ByteSource,
  held: HeldFiles | undefined,
  signal: AbortSignal | undefined,
): Promise<ContentInfo> {
  if (!(source instanceof Uint8Array)) return digestChunks(source, signal);
  signal?.throwIfAborted();
  const sha256 = sha256Of(source);
  held?.hold(sha256, source);
  return { sha256, sizeBytes: source.byteLength };
}

/**
 * Saves the files of a revision that lies in a bucket as the next revision of a snapshot: bytes go from bucket to
 * bucket, and nothing is kept on the way. What the target has already is not sent: a save that was stopped goes on
 * where it was.
 * @throws WeightsMissing, WeightsCorrupt when the source is damaged, the buckets' codes
 */
export async function saveStoredFiles(options: SaveStoredOptions): Promise<SavedFiles> {
  const { from, weights, fromSnapshotId: snapshotId, signal } = options;
  const stop = signal ? { signal } : {};
  const { manifest } = await readManifest({ bucket: from, weights, snapshotId, ...stop });
  // The two may be one bucket, where the packs are those of the source.
  const earlier = async () => [...placedFiles(manifest), ...((await options.earlier?.()) ?? [])];
  const files = weightFiles(manifest);
  return saveKnownFiles({ ...options, earlier }, files, openStored(from, manifest, snapshotId, signal));
}

/**
 * Saves files whose digests are known, as `saveFiles` does. `open` returns the bytes of a file, and throws when they are
 * not those of its digest; it is called only for what the bucket does not have.
 */
export async function saveKnownFiles(
  options: RevisionOptions,
  files: readonly WeightFile[],
  open: (file: WeightFile) => ByteSource,
): Promise<SavedFiles> {
  const { bucket, snapshotId, shared, signal, onProgress } = options;
  const manifest = {
    snapshotId,
    revision: options.revision,
    createdAt: isoTime(options.clock),
    configuration: options.configuration,
    lineage: options.lineage,
    ...(options.labels && { labels: [...options.labels] }),
  };
  const earlier = options.earlier ?? (async () => []);
  const revision = { manifest, files, open, earlier, shared, signal };
  return commitFiles({
    bucket,
    bring: (into, sending) => bringRevision(into, sending, revision),
    snapshotId,
    totalBytes: sumBytes(firstOfEach(files)),
    signal,
    onProgress,
  });
}

async function filesOf(directory: string, signal: AbortSignal | undefined): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const { path, absolutePath, sizeBytes } of walkFolder(directory)) {
    const chunks = () => readFileChunks(absolutePath, signal);
    const open = () => readSmallFile(absolutePath, READ_AT_ONCE_BYTES) ?? chunks();
    files.push({ path, open: sizeBytes <= READ_AT_ONCE_BYTES ? open : chunks });
  }
  return files;
}
