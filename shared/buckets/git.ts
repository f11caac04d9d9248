import type { ByteSource } from '../content/byte-source.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import { type GitContext, GitSource } from '../git/git-source.ts';
import type {
  Bucket,
  BucketCapabilities,
  ListOptions,
  ObjectInfo,
  ReadOptions,
  WriteOptions,
} from './bucket.ts';
import { GitBatch, readObject, storeObject } from './git-batch.ts';
import { commitChanges, type ObjectChanges } from './git-commit.ts';
import { type BucketView, openView } from './git-view.ts';

type GitBucketSpec = Extract<BucketSpec, { type: 'git' }>;

/**
 * The files of a git repository, or of a folder of it, as a bucket. The branch, tag or commit is resolved once, at the
 * first use: a reader sees one commit. A write is a commit on the branch's tip, pushed before it resolves, after which
 * this bucket sees that commit. A tag or a commit only reads. Submodules, hostile names and links that leave the repository, anywhere
 * below the folder, refuse the bucket whole; other links are what they lead to, and make the bucket read-only; pointers of Git LFS refuse it too.
 */
export class GitBucket implements Bucket {
  readonly spec: GitBucketSpec;
  readonly capabilities: BucketCapabilities;
  readonly #source: GitSource;
  #view: Promise<BucketView> | undefined;

  private constructor(spec: GitBucketSpec, source: GitSource) {
    this.spec = spec;
    this.#source = source;
    this.capabilities = {
      canWrite: source.canWrite,
      canReadRanges: false,
      hasPreconditions: true,
      provesWrites: false,
      hasDigestEtags: false,
      prefersFewObjects: false,
    };
  }

  /** @throws the codes of `GitSource.open` */
  static async open(spec: GitBucketSpec, context: GitContext): Promise<GitBucket> {
    return new GitBucket(spec, await GitSource.open(spec, context));
  }

  async *list(prefix = '', { skip }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    for (const object of (await this.#look()).objects.values())
      if (object.key.startsWith(prefix) && !skip?.(object.key)) yield object;
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    return (await this.#look()).objects.get(key);
  }

  async *read(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { objects } = await this.#look(options.signal);
    yield* readObject(this.#source, key, objects.get(key), options);
  }

  async write(
    key: string,
    source: ByteSource,
    { ifAbsent = false, signal }: WriteOptions = {},
  ): Promise<ObjectInfo> {
    const object = await storeObject(this.#source, key, source, signal);
    await this.#commit(new Map([[key, { object, ifAbsent }]]), false, signal);
    return object;
  }

  async delete(key: string): Promise<void> {
    await this.#commit(new Map([[key, { object: undefined, ifAbsent: false }]]), false);
  }

  /** All writes of `work` as one commit. */
  async together<T>(work: (batch: Bucket) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const batch = new GitBatch(this, this.#source, await this.#look(signal));
    const result = await work(batch);
    if (batch.changes.size > 0) await this.#commit(batch.changes, true, signal);
    return result;
  }

  async #commit(changes: ObjectChanges, equalIsAbsent: boolean, signal?: AbortSignal): Promise<void> {
    // Whatever became of it, somebody may have moved the branch: what is read next is read anew.
    this.#view = undefined;
    const view = await commitChanges(this.#source, changes, { equalIsAbsent, signal });
    this.#view = Promise.resolve(view);
  }

  async #look(signal?: AbortSignal): Promise<BucketView> {
    // A look that was stopped, or failed, is not what the next call gets.
    this.#view ??= openView(this.#source, signal);
    const mine = this.#view;
    try {
      return await mine;
    } catch (error) {
      if (this.#view === mine) this.#view = undefined;
      throw error;
    }
  }
}
