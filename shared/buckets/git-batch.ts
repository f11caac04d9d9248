import { type ByteSource, chunksOf, collect } from '../content/byte-source.ts';
import { dotGitProblem } from '../git/address.ts';
import { GitTooLarge } from '../git/errors.ts';
import type { GitSource } from '../git/git-source.ts';
import type {
  Bucket,
  BucketCapabilities,
  ListOptions,
  ObjectInfo,
  ReadOptions,
  WriteOptions,
} from './bucket.ts';
import { InvalidKey, ObjectNotFound, PreconditionFailed } from './errors.ts';
import type { ObjectChange } from './git-commit.ts';
import type { BucketView } from './git-view.ts';

/** A git bucket at one commit with changes on top that are in the cache alone. */
export class GitBatch implements Bucket {
  readonly spec: Bucket['spec'];
  readonly capabilities: BucketCapabilities;
  readonly changes = new Map<string, ObjectChange>();
  readonly #source: GitSource;
  readonly #view: BucketView;

  constructor(
    { spec, capabilities }: Pick<Bucket, 'spec' | 'capabilities'>,
    source: GitSource,
    view: BucketView,
  ) {
    this.spec = spec;
    this.capabilities = capabilities;
    this.#source = source;
    this.#view = view;
  }

  async *list(prefix = '', { skip }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const keys = new Set([...this.#view.objects.keys(), ...this.changes.keys()]);
    for (const key of [...keys].sort()) {
      const object = key.startsWith(prefix) && !skip?.(key) ? this.#find(key) : undefined;
      if (object) yield object;
    }
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#rely(key);
  }

  async *read(key: string, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    yield* readObject(this.#source, key, this.#rely(key), options);
  }

  async write(
    key: string,
    source: ByteSource,
    { ifAbsent = false, signal }: WriteOptions = {},
  ): Promise<ObjectInfo> {
    const object = await storeObject(this.#source, key, source, signal);
    if (ifAbsent && this.#find(key)) throw new PreconditionFailed(this.spec.type, key);
    this.changes.set(key, { object, ifAbsent });
    return object;
  }

  async delete(key: string): Promise<void> {
    if (this.#find(key)) this.changes.set(key, { object: undefined, ifAbsent: false });
  }

  /** What the work found it may build on, as a manifest on an object: it is put back if somebody takes it away meanwhile. */
  #rely(key: string): ObjectInfo | undefined {
    const object = this.#find(key);
    if (object && !this.changes.has(key)) this.changes.set(key, { object, ifAbsent: true });
    return object;
  }

  #find(key: string): ObjectInfo | undefined {
    const change = this.changes.get(key);
    return change ? change.object : this.#view.objects.get(key);
  }
}

const CHUNK_BYTES = 1 << 20;

/** The bytes of an object; it is unpacked whole, whatever the range. @throws ObjectNotFound, GitContentRefused */
export async function* readObject(
  { repository }: GitSource,
  key: string,
  object: ObjectInfo | undefined,
  { start = 0, end = Number.POSITIVE_INFINITY, signal }: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  if (object === undefined) throw new ObjectNotFound('git', key);
  const bytes = await repository.objects.blob(object.etag, key);
  for (let at = start; at < Math.min(end, bytes.byteLength); at += CHUNK_BYTES) {
    signal?.throwIfAborted();
    yield bytes.subarray(at, Math.min(at + CHUNK_BYTES, end));
  }
}

/** Puts bytes into the cache, where a commit can take them from. @throws GitTooLarge, InvalidKey */
export async function storeObject(
  { repository, limits }: GitSource,
  key: string,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo> {
  const problem = dotGitProblem(key) ?? (key.includes('\ufffd') ? 'it holds U+FFFD' : undefined);
  if (problem !== undefined) throw new InvalidKey(key, problem);
  const tooLarge = () =>
    new GitTooLarge(`The object ${JSON.stringify(key)}`, `${limits.fileBytes} bytes a file`);
  const bytes = await collect(chunksOf(source), limits.fileBytes, tooLarge);
  signal?.throwIfAborted();
  await repository.prepare();
  const etag = await repository.objects.add({ type: 'blob', bytes });
  return { key, sizeBytes: bytes.byteLength, etag };
}
