import type { Bucket } from '../../buckets/bucket.ts';
import { type Clock, isoTime } from '../../clock.ts';
import { type ByteSource, chunksOf, expectDigest } from '../../content/byte-source.ts';
import { digestChunks, readFileChunks } from '../../content/file-digest.ts';
import { layoutProblem } from '../../content/folder-layout.ts';
import { walkFolder } from '../../content/walk-folder.ts';
import { InvalidInput } from '../../errors.ts';
import type { JsonObject } from '../../json.ts';
import { NothingToSave, SourceChanged } from '../errors.ts';
import { commitFiles, type SavedFiles, type SaveProgress } from './commit-files.ts';
import { encodeManifest, type Manifest, type WeightFile } from './manifest.ts';

/** A file to be saved. `open` is called more than once and gives the same bytes each time. */
export interface SourceFile {
  path: string;
  open: () => ByteSource;
}

export interface SaveOptions {
  bucket: Bucket;
  /** A folder whose files are saved, links that stay inside followed; or the files themselves. */
  source: string | readonly SourceFile[];
  snapshotId: string;
  /** The revision these weights will be: from 1. */
  revision: number;
  configuration: JsonObject;
  lineage: JsonObject;
  labels?: readonly string[];
  clock: Clock;
  signal?: AbortSignal;
  /** Called after each file; `doneBytes` grows to about `totalBytes`. */
  onProgress?: SaveProgress;
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
  const manifest: Manifest = {
    formatVersion: 1,
    snapshotId: options.snapshotId,
    revision: options.revision,
    createdAt: isoTime(options.clock),
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    configuration: options.configuration,
    lineage: options.lineage,
    ...(options.labels && { labels: [...options.labels] }),
  };
  return commitFiles({
    bucket: options.bucket,
    manifest,
    manifestBytes: encodeManifest(manifest),
    open: ({ path, sha256 }) => expectDigest(opens.get(path)!(), sha256, () => new SourceChanged(path)),
    signal,
    onProgress: options.onProgress,
  });
}

async function filesOf(directory: string, signal: AbortSignal | undefined): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const { path, absolutePath } of walkFolder(directory)) {
    files.push({ path, open: () => readFileChunks(absolutePath, signal) });
  }
  return files;
}
