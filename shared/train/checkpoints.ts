import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { belowPrefix } from '../buckets/below-prefix.ts';
import type { Bucket } from '../buckets/bucket.ts';
import type { Execution } from '../entities/execution.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { messageOf } from '../errors.ts';
import type { Run } from '../invoke/run.ts';
import type { JsonObject } from '../json.ts';
import { type LoadedFiles, loadFiles } from '../snapshots/files/load-files.ts';
import { checkpointPrefix, type Manifest } from '../snapshots/files/manifest.ts';
import { objectsOf, placedFiles } from '../snapshots/files/places.ts';
import { readManifest } from '../snapshots/files/read-manifest.ts';
import { saveFiles } from '../snapshots/files/save-files.ts';

type Weights = NonNullable<Snapshot['weights']>;

/** A checkpoint on this machine. */
export interface OpenCheckpoint {
  /** What the adapter wrote, every file verified. Read-only. */
  directory: string;
  /** What the function noted with it. */
  facts: JsonObject;
  release(): void;
}

/**
 * The checkpoints of one training. Files go into the snapshot's bucket, below a prefix of the execution's own, by the
 * protocol of weights: content first, manifest last; only then does the execution point at them, and only then is the
 * earlier checkpoint removed. A training killed anywhere finds the earlier one or the new one, whole.
 */
export class Checkpoints {
  readonly #run: Run;
  readonly #snapshot: Readonly<Snapshot>;

  constructor(run: Run, snapshot: Readonly<Snapshot>) {
    this.#run = run;
    this.#snapshot = snapshot;
  }

  /** The checkpoint to go on from; `undefined` when the training begins. @throws WeightsMissing, WeightsCorrupt */
  async open(): Promise<OpenCheckpoint | undefined> {
    const checkpoint = await this.#pointer();
    if (!checkpoint) return undefined;
    const { container, signal } = this.#run;
    const files: LoadedFiles = await loadFiles({
      bucket: await this.#bucket(checkpoint.bucket),
      cache: container.files,
      weights: checkpoint.weights,
      snapshotId: this.#snapshot.id,
      signal,
    });
    return { directory: files.directory, facts: checkpoint.facts, release: files.release };
  }

  /** Keeps what `write` puts into an empty folder; durable when the promise resolves. @throws LeaseLost, NothingToSave */
  async save(write: (directory: string) => Promise<void>, facts: JsonObject): Promise<void> {
    const { platform, executionId, signal } = this.#run;
    const { bucket: spec, id, revision } = this.#snapshot;
    const directory = await mkdtemp(join(tmpdir(), 'modelfn-checkpoint-'));
    try {
      await write(directory);
      const bucket = await this.#bucket(spec);
      const earlier = await this.#pointer();
      const { manifestKey, manifestSha256 } = await saveFiles({
        bucket,
        source: directory,
        snapshotId: id,
        revision: revision + 1,
        configuration: {},
        lineage: {},
        clock: platform.clock,
        signal,
        // Only saves sending: a checkpoint that cannot be read is no reason not to write the next.
        earlier: async () =>
          earlier ? this.#manifestAt(bucket, earlier.weights).then(placedFiles, () => []) : [],
      });
      const weights = { manifestKey, manifestSha256 };
      const objects = objectsOf(await this.#manifestAt(bucket, weights));
      await platform.store.update('Execution', executionId, (current) => ({
        ...current,
        checkpoint: { bucket: spec, weights, facts },
      }));
      await this.#removeAllBut(new Set([manifestKey, ...objects.map(({ key }) => key)]));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Removes what is left once the training saved its weights. What cannot be removed now is for `modelfn gc`. */
  async clear(): Promise<void> {
    await this.#removeAllBut(new Set());
  }

  async #removeAllBut(kept: ReadonlySet<string>): Promise<void> {
    try {
      const bucket = await this.#bucket(this.#snapshot.bucket);
      for await (const { key } of bucket.list()) if (!kept.has(key)) await bucket.delete(key);
    } catch (error) {
      const { executionId, platform } = this.#run;
      platform.log.warn('old checkpoint not removed', { executionId, reason: messageOf(error) });
    }
  }

  async #manifestAt(bucket: Bucket, weights: Weights): Promise<Manifest> {
    const { signal } = this.#run;
    return (await readManifest({ bucket, weights, snapshotId: this.#snapshot.id, signal })).manifest;
  }

  async #pointer(): Promise<Execution['checkpoint']> {
    const { platform, executionId } = this.#run;
    return (await platform.store.get('Execution', executionId))?.checkpoint;
  }

  async #bucket(spec: Snapshot['bucket']): Promise<Bucket> {
    const bucket = await this.#run.platform.openBucket(this.#snapshot, spec);
    return belowPrefix(bucket, checkpointPrefix(this.#run.executionId));
  }
}
