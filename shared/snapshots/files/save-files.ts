import type { Bucket } from '../../buckets/bucket.ts';
import { type Clock, isoTime } from '../../clock.ts';
import { type ByteSource, chunksOf, expectDigest } from '../../content/byte-source.ts';
import { digestChunks, readFileChunks } from '../../content/file-digest.ts';
import { layoutProblem } from '../../content/folder-layout.ts';
import { walkFolder } from '../../content/walk-folder.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { InvalidInput } from '../../errors.ts';
import type { JsonObject } from '../../json.ts';
import { NothingToSave, SourceChanged } from '../errors.ts';
import type { SharedObjects } from '../shared-files.ts';
import { commitFiles, type SavedFiles, type SaveProgress } from './commit-files.ts';
import { openStored } from './copy-files.ts';
import { encodeManifest, type Manifest, type WeightFile } from './manifest.ts';
import { readManifest } from './read-manifest.ts';

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
  const files: WeightFile[] = [];
  for (const { path, open } of sources)
    files.push({ path, ...(await digestChunks(chunksOf(open()), signal)) });
  const fault = layoutProblem(files);
  if (fault) throw new InvalidInput('files of a snapshot', [{ field: fault.file, problem: fault.problem }]);
  const opens = new Map(sources.map(({ path, open }) => [path, open]));
  return commitRevision(options, files, ({ path, sha256 }) =>
    expectDigest(opens.get(path)!(), sha256, () => new SourceChanged(path)),
  );
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
  return commitRevision(options, manifest.files, openStored(from, snapshotId, signal));
}

async function commitRevision(
  options: RevisionOptions,
  files: readonly WeightFile[],
  open: (file: WeightFile) => ByteSource,
): Promise<SavedFiles> {
  const manifest: Manifest = {
    formatVersion: 1,
    snapshotId: options.snapshotId,
    revision: options.revision,
    createdAt: isoTime(options.clock),
    files: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    configuration: options.configuration,
    lineage: options.lineage,
    ...(options.labels && { labels: [...options.labels] }),
  };
  const { bucket, shared, signal, onProgress } = options;
  return commitFiles({
    bucket,
    manifest,
    manifestBytes: encodeManifest(manifest),
    open,
    shared,
    signal,
    onProgress,
  });
}

async function filesOf(directory: string, signal: AbortSignal | undefined): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const { path, absolutePath } of walkFolder(directory)) {
    files.push({ path, open: () => readFileChunks(absolutePath, signal) });
  }
  return files;
}
