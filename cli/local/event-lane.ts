import { type ErrorBody, InternalError, toErrorBody } from '../../shared/errors.ts';
import type { OutboxEntry } from '../../shared/store/entity-store.ts';
import { failedMessages, MAX_BATCH_RECORDS, messageIdOf, toQueueRecord } from './queue-message.ts';
import type { Timers } from './timers.ts';

export interface EventLaneOptions {
  functionName: string;
  /** Batches under way at once, from 1. */
  batchesAtOnce: number;
  /** Runs the function with a batch; rejects when all of it failed. */
  invoke(batch: { Records: unknown[] }): Promise<unknown>;
  /** The function has dealt with the entry. */
  delivered(entry: OutboxEntry): Promise<void>;
  /** The function failed on the entry in every attempt. A rejection has it tried once more. */
  givenUp(entry: OutboxEntry, attempts: number, error: ErrorBody): Promise<void>;
  timers: Timers;
  now(): number;
}

interface Delivery {
  entry: OutboxEntry;
  /** Attempts made. */
  attempts: number;
  /** True when its last batch failed without naming a record. */
  isSuspect?: boolean;
}

/**
 * Pauses between the attempts. When a process was lost with a record, the third pause outlasts the usual lease of its run,
 * and all together outlast the longest one: the next attempt takes the run over.
 */
export const BACKOFF_MS: readonly number[] = [1_000, 4_000, 26_000, 64_000];

/** Attempts for one record, the first included; the queue's `maxReceiveCount` in the cloud. */
export const MAX_ATTEMPTS = BACKOFF_MS.length + 1;

/**
 * The queue of one function: entries go to it in order, up to ten at a time, to as many of its processes at once as it
 * has. What failed is tried again after a pause that grows, while later entries go on.
 */
export class EventLane {
  readonly #options: EventLaneOptions;
  readonly #ready: Delivery[] = [];
  readonly #pauses = new Set<unknown>();
  readonly #running = new Set<Promise<void>>();
  #isPumping = false;
  #closed = false;

  constructor(options: EventLaneOptions) {
    this.#options = options;
  }

  add(entry: OutboxEntry): void {
    this.#ready.push({ entry, attempts: 0 });
    this.#pump();
  }

  /** Begins no more batches; resolves when those under way have ended. What is left stays in the outbox. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const pause of this.#pauses) this.#options.timers.clearTimeout(pause);
    await Promise.all(this.#running);
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    // What is added in the same moment goes into the same batch.
    queueMicrotask(() => {
      this.#isPumping = false;
      while (this.#running.size < this.#options.batchesAtOnce && !this.#closed && this.#ready.length > 0)
        this.#begin(this.#ready.splice(0, this.#nextBatchSize()));
    });
  }

  /** A record whose batch failed as a whole goes alone next: one that ends its process takes no other with it. */
  #nextBatchSize(): number {
    const alone = this.#ready.findIndex(({ isSuspect }) => isSuspect);
    if (alone === 0) return 1;
    return Math.min(MAX_BATCH_RECORDS, alone < 0 ? MAX_BATCH_RECORDS : alone);
  }

  #begin(batch: Delivery[]): void {
    const running = this.#runBatch(batch).finally(() => {
      this.#running.delete(running);
      this.#pump();
    });
    this.#running.add(running);
  }

  async #runBatch(batch: readonly Delivery[]): Promise<void> {
    const { functionName, invoke, now } = this.#options;
    for (const delivery of batch) delivery.attempts += 1;
    const records = batch.map(({ entry, attempts }) => toQueueRecord(entry, functionName, attempts, now()));
    const ids = new Set(batch.map(({ entry }) => messageIdOf(entry, functionName)));
    let failed: ReadonlySet<string> = ids;
    let error: ErrorBody = REPORTED;
    try {
      const answer = await invoke({ Records: records });
      failed = failedMessages(answer, ids) ?? ids;
    } catch (thrown) {
      error = toErrorBody(thrown);
      for (const delivery of batch) delivery.isSuspect = true;
    }
    for (const delivery of batch) {
      if (failed.has(messageIdOf(delivery.entry, functionName))) await this.#onFailure(delivery, error);
      else await this.#options.delivered(delivery.entry);
    }
  }

  async #onFailure(delivery: Delivery, error: ErrorBody): Promise<void> {
    // A batch that the closing server cut off is no attempt of the function's: it is delivered again after the start.
    if (this.#closed) return;
    if (delivery.attempts < MAX_ATTEMPTS) return this.#pause(delivery);
    try {
      await this.#options.givenUp(delivery.entry, delivery.attempts, error);
    } catch {
      this.#pause({ ...delivery, attempts: delivery.attempts - 1 });
    }
  }

  #pause(delivery: Delivery): void {
    const { timers } = this.#options;
    const pause = timers.setTimeout(
      () => {
        this.#pauses.delete(pause);
        this.#ready.push(delivery);
        this.#pump();
      },
      BACKOFF_MS[delivery.attempts - 1]!,
    );
    this.#pauses.add(pause);
  }
}

/** What is known of a record that the function named as failed: its own log has the reason. */
const REPORTED = new InternalError(
  new Error('the function named the record in batchItemFailures, and told the reason in its log'),
).toJSON();
