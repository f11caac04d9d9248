import { setImmediate as turn } from 'node:timers/promises';
import type { Bucket, BucketCapabilities, ObjectInfo, ReadOptions } from '../../../shared/buckets/bucket.ts';
import { BucketUnavailable, ObjectNotFound } from '../../../shared/buckets/errors.ts';
import { GuardedBucket } from '../../../shared/buckets/guarded-bucket.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { ModelfnError } from '../../../shared/errors.ts';
import { seededRandom } from '../../support/seeded-random.ts';

/** One chunk that waits to be let through. */
export interface Gate {
  key: string;
  /** Where in the object the chunk begins. */
  position: number;
  open(): void;
}

/** What a read meets instead of the chunk at `position` or after it. */
export interface ReadFault {
  kind: 'passing' | 'lasting' | 'cut' | 'surplus' | 'flip';
  position: number;
  /** How often; once by default. */
  times?: number;
}

/** A failure that no repetition helps against. */
export class Forbidden extends ModelfnError {
  override readonly name = 'Forbidden';
  readonly code = 'Forbidden';
  readonly statusCode = 403;
  constructor() {
    super('The test forbids this read.');
  }
}

/** A driver that holds every chunk until the test opens its gate, in any order, and fails where it is told to. */
export class HeldBucket implements Bucket {
  readonly spec = { type: 'local' } as const;
  readonly capabilities: BucketCapabilities;
  readonly objects = new Map<string, Uint8Array>();
  readonly gates: Gate[] = [];
  readonly reads: { key: string; start: number; end: number | undefined }[] = [];
  readonly #faults: ReadFault[];
  readonly #chunkBytes: () => number;
  /** Chunks go through at once when false. */
  holds = true;
  movedBytes = 0;

  constructor(
    options: {
      canReadRanges?: boolean;
      prefersFewObjects?: boolean;
      faults?: ReadFault[];
      chunkBytes?: () => number;
      holds?: boolean;
    } = {},
  ) {
    this.capabilities = {
      canWrite: true,
      canReadRanges: options.canReadRanges ?? true,
      hasPreconditions: true,
      provesWrites: false,
      hasDigestEtags: false,
      prefersFewObjects: options.prefersFewObjects ?? false,
    };
    this.#faults = options.faults?.map((fault) => ({ times: 1, ...fault })) ?? [];
    this.#chunkBytes = options.chunkBytes ?? (() => 65_536);
    this.holds = options.holds ?? true;
  }

  /** The bucket as drivers are handed out. */
  guarded(): Bucket {
    return new GuardedBucket(this);
  }

  async *list(prefix = ''): AsyncGenerator<ObjectInfo> {
    for (const key of [...this.objects.keys()].sort())
      if (key.startsWith(prefix)) yield (await this.stat(key))!;
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const bytes = this.objects.get(key);
    return bytes && { key, sizeBytes: bytes.byteLength, etag: sha256Of(bytes) };
  }

  async *read(key: string, { start = 0, end, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    this.reads.push({ key, start, end });
    const bytes = this.objects.get(key);
    if (bytes === undefined) throw new ObjectNotFound('held', key);
    const until = Math.min(end ?? bytes.byteLength, bytes.byteLength);
    for (let position = start; position < until; ) {
      const next = Math.min(until, position + this.#chunkBytes());
      if (this.holds) await this.#hold(key, position, signal);
      signal?.throwIfAborted();
      const chunk = Uint8Array.from(bytes.subarray(position, next));
      const fault = this.#faultAt(position, next);
      if (fault === 'cut') return;
      if (fault === 'lasting') throw new Forbidden();
      if (fault === 'passing')
        throw new BucketUnavailable({
          bucketType: 'held',
          operation: 'read',
          key,
          cause: new Error('reset'),
        });
      if (fault === 'flip') chunk[0]! ^= 1;
      this.movedBytes += chunk.byteLength;
      yield chunk;
      if (fault === 'surplus') yield new Uint8Array(until - next + 1);
      position = next;
    }
  }

  async write(key: string, source: AsyncIterable<Uint8Array> | Uint8Array): Promise<ObjectInfo> {
    const chunks = source instanceof Uint8Array ? [source] : await Array.fromAsync(source);
    this.objects.set(key, new Uint8Array(Buffer.concat(chunks)));
    return (await this.stat(key))!;
  }

  async delete(key: string): Promise<void> {
    this.objects.delete(key);
  }

  /** Opens gates one at a time, as `choose` picks them of those that wait, until the work has ended. */
  async release<T>(work: Promise<T>, choose: (count: number) => number): Promise<T> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    while (!isOver) {
      await turn();
      if (this.gates.length > 0) this.gates.splice(choose(this.gates.length), 1)[0]!.open();
    }
    return over;
  }

  /** The next chunk that waits. */
  async nextGate(): Promise<Gate> {
    while (this.gates.length === 0) await turn();
    return this.gates[0]!;
  }

  #hold(key: string, position: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const gate = { key, position, open: resolve };
      this.gates.push(gate);
      signal?.addEventListener('abort', () => {
        const index = this.gates.indexOf(gate);
        if (index >= 0) this.gates.splice(index, 1);
        resolve();
      });
    });
  }

  #faultAt(from: number, to: number): ReadFault['kind'] | undefined {
    const fault = this.#faults.find(({ position, times }) => times! > 0 && position >= from && position < to);
    if (fault === undefined) return undefined;
    fault.times! -= 1;
    return fault.kind;
  }
}

/** Numbers below `count`, the same sequence for the same seed. */
export function seeded(seed: number): (count: number) => number {
  const random = seededRandom(seed);
  return (count) => Math.floor(random() * count);
}

/** Bytes that look like no others, the same for the same seed. */
export function seededBytes(seed: number, sizeBytes: number): Uint8Array {
  const next = seeded(seed);
  const block = Uint8Array.from({ length: 4096 }, () => next(256));
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += block.length) {
    block[at % 4096 === 0 ? 0 : 1] = at >> 12;
    bytes.set(block.subarray(0, Math.min(block.length, sizeBytes - at)), at);
  }
  return bytes;
}
