import { subscribedFunctionsOfAll } from '../../shared/catalog/subscriptions.ts';
import { mayPass } from '../../shared/each-alone.ts';
import type { DatasetEvent } from '../../shared/entities/dataset-event.ts';
import type { Execution } from '../../shared/entities/execution.ts';
import { type ErrorBody, toErrorBody } from '../../shared/errors.ts';
import { payloadOf } from '../../shared/invoke/callers/task-payload.ts';
import type { Json } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import type { EntityStore, OutboxEntry } from '../../shared/store/entity-store.ts';
import { appendDeadLetter } from './dead-letters.ts';
import { BACKOFF_MS, EventLane, MAX_ATTEMPTS } from './event-lane.ts';
import type { FunctionHost } from './function-host.ts';

import { SYSTEM_TIMERS, type Timers } from './timers.ts';

export interface EventDispatcherOptions {
  store: Pick<EntityStore, 'readEvents' | 'removeEvents' | 'query' | 'get'>;
  functions: Pick<FunctionHost, 'invoke' | 'runToEnd'>;
  /** File that takes, one JSON object a line, what no attempt could deliver. */
  deadLetterPath: string;
  log: Log;
  /** Is told of entries before they are delivered, and again of those whose delivery did not begin. */
  before?: (events: readonly DatasetEvent[]) => Promise<unknown>;
  /** Batches that a function is given at once, from 1. Default 1. */
  batchesAtOnce?: number;
  timers?: Timers;
  now?: () => number;
}

/** How often the outbox is looked at when nobody calls `wake`. */
export const POLL_INTERVAL_MS = 200;

/** Entries held in memory at once; the rest waits in the outbox. */
const MAX_IN_FLIGHT = 1000;
const PAGE_SIZE = 100;

/** Stands in a dead letter for the functions that could not be found. */
const NOT_DISPATCHED = '(none found)';

/**
 * What EventBridge and SQS are in the cloud: takes changes out of the outbox in order and delivers each to every
 * function that a trigger subscribes to it; an execution that was asked for it has run, to its end. An entry leaves the outbox when all of them dealt with it, or when it is among
 * the dead letters; so each is delivered at least once, also across restarts.
 */
export class EventDispatcher {
  readonly #options: Required<EventDispatcherOptions>;
  readonly #lanes = new Map<string, EventLane>();
  /** Sequence of an entry under way -> functions that have not dealt with it. */
  readonly #inFlight = new Map<number, Set<string>>();
  /** Delivered everywhere, and still in the outbox. */
  readonly #done = new Set<number>();
  /** Sequence of an entry whose subscribers could not be found -> attempts made; it waits while others go on. */
  readonly #postponed = new Map<number, number>();
  readonly #waiting = new Map<number, unknown>();
  #timer: unknown;
  #polling: Promise<void> | undefined;
  #pollAgain = false;
  #closed = false;
  #failing = false;

  constructor(options: EventDispatcherOptions) {
    this.#options = {
      batchesAtOnce: 1,
      before: async () => undefined,
      timers: SYSTEM_TIMERS,
      now: Date.now,
      ...options,
    };
  }

  /** Looks at the outbox now, and from now on regularly. Resolves when it was read and its entries are on their way. */
  async wake(): Promise<void> {
    if (this.#closed) return;
    this.#pollAgain = this.#polling !== undefined;
    this.#polling ??= this.#pollAll().finally(() => {
      this.#polling = undefined;
      this.#schedule();
    });
    await this.#polling;
  }

  /** Begins nothing more. Resolves when the batches under way have ended; what was not delivered stays in the outbox. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.timers.clearTimeout(this.#timer);
    for (const pause of this.#waiting.values()) this.#options.timers.clearTimeout(pause);
    await this.#polling;
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }

  #schedule(): void {
    const { timers } = this.#options;
    timers.clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = timers.setTimeout(() => void this.wake(), POLL_INTERVAL_MS);
  }

  async #pollAll(): Promise<void> {
    try {
      do {
        this.#pollAgain = false;
        await this.#poll();
      } while (this.#pollAgain && !this.#closed);
      this.#failing = false;
    } catch (error) {
      // Told once, not five times a second; the next look may find the store well again.
      const { code, message } = toErrorBody(error);
      if (!this.#failing) this.#options.log.error('outbox cannot be read', { code, reason: message });
      this.#failing = true;
    }
  }

  async #poll(): Promise<void> {
    await this.#removeDone();
    const held = this.#inFlight.size + this.#waiting.size;
    if (held >= MAX_IN_FLIGHT) return;
    const entries = await this.#options.store.readEvents(held + PAGE_SIZE);
    const fresh = entries.filter(
      ({ sequence }) =>
        !this.#inFlight.has(sequence) && !this.#done.has(sequence) && !this.#waiting.has(sequence),
    );
    if (fresh.length > 0) await this.#begin(fresh);
    await this.#removeDone();
    this.#pollAgain ||= fresh.length > 0 && this.#inFlight.size < MAX_IN_FLIGHT;
  }

  /** Finds the subscribers of all entries at once; when that fails, of each alone, so that one entry does not stop the others. */
  async #begin(entries: readonly OutboxEntry[]): Promise<void> {
    const events = entries.map(({ event }) => event);
    let subscribed: string[][];
    try {
      await this.#options.before(events);
      subscribed = await subscribedFunctionsOfAll(this.#options.store, events);
    } catch (error) {
      if (entries.length === 1) return this.#postpone(entries[0]!, error);
      for (const entry of entries) await this.#begin([entry]);
      return;
    }
    entries.forEach((entry, index) => {
      this.#postponed.delete(entry.sequence);
      this.#deliver(entry, subscribed[index]!);
    });
  }

  /** Tries an entry again after a growing pause. One that fails for good becomes a dead letter; an outage does not count. */
  async #postpone(entry: OutboxEntry, error: unknown): Promise<void> {
    const { sequence, event } = entry;
    const { log, timers } = this.#options;
    const attempts = (this.#postponed.get(sequence) ?? 0) + 1;
    const body = toErrorBody(error);
    this.#postponed.set(sequence, attempts);
    if (attempts >= MAX_ATTEMPTS && !mayPass(error)) {
      this.#inFlight.set(sequence, new Set([NOT_DISPATCHED]));
      this.#postponed.delete(sequence);
      return this.#giveUp(entry, NOT_DISPATCHED, attempts, body).catch(() => {
        this.#inFlight.delete(sequence);
      });
    }
    if (attempts === 1)
      log.error('event cannot be dispatched yet', { event: event.id, code: body.code, reason: body.message });
    const pause = timers.setTimeout(
      () => {
        this.#waiting.delete(sequence);
        void this.wake();
      },
      BACKOFF_MS[Math.min(attempts, BACKOFF_MS.length) - 1]!,
    );
    this.#waiting.set(sequence, pause);
  }

  #deliver(entry: OutboxEntry, functionNames: readonly string[]): void {
    if (functionNames.length === 0) {
      this.#done.add(entry.sequence);
      return;
    }
    this.#inFlight.set(entry.sequence, new Set(functionNames));
    if (entry.event.resource === 'Execution') void this.#runRequested(entry, functionNames[0]!);
    else for (const name of functionNames) this.#lane(name).add(entry);
  }

  /** The run has its record for what it ended with; the entry waits for the end, so that a restart brings it again. */
  async #runRequested(entry: OutboxEntry, functionName: string): Promise<void> {
    const { store, functions } = this.#options;
    try {
      const execution = await store.get('Execution', entry.event.resourceId);
      if (execution && !(await functions.runToEnd(functionName, payloadOfExecution(execution)))) return;
      await this.#settle(entry, functionName);
    } catch (error) {
      await this.#giveUp(entry, functionName, 1, toErrorBody(error)).catch(() => {});
    }
  }

  #lane(functionName: string): EventLane {
    const { functions, batchesAtOnce, timers, now } = this.#options;
    let lane = this.#lanes.get(functionName);
    if (lane === undefined) {
      lane = new EventLane({
        functionName,
        batchesAtOnce,
        invoke: (batch) => functions.invoke(functionName, batch, { background: true }),
        delivered: (entry) => this.#settle(entry, functionName),
        givenUp: (entry, attempts, error) => this.#giveUp(entry, functionName, attempts, error),
        timers,
        now,
      });
      this.#lanes.set(functionName, lane);
    }
    return lane;
  }

  async #settle({ sequence }: OutboxEntry, functionName: string): Promise<void> {
    const waiting = this.#inFlight.get(sequence);
    waiting?.delete(functionName);
    if (waiting?.size !== 0) return;
    this.#inFlight.delete(sequence);
    this.#done.add(sequence);
    try {
      await this.#removeDone();
    } catch {
      // It stays among the done, is not delivered again, and is removed with the next look at the outbox.
    }
  }

  async #giveUp(entry: OutboxEntry, functionName: string, attempts: number, error: ErrorBody): Promise<void> {
    const { deadLetterPath, log, now } = this.#options;
    const time = new Date(now()).toISOString();
    const facts = { function: functionName, event: entry.event.id, attempts, code: error.code };
    try {
      await appendDeadLetter(deadLetterPath, { time, functionName, attempts, event: entry.event, error });
    } catch (failure) {
      log.error('dead letter cannot be written', { ...facts, reason: toErrorBody(failure).message });
      throw failure;
    }
    log.error('event given up', { ...facts, reason: error.message });
    await this.#settle(entry, functionName);
  }

  async #removeDone(): Promise<void> {
    const sequences = [...this.#done];
    if (sequences.length === 0) return;
    await this.#options.store.removeEvents(sequences);
    for (const sequence of sequences) this.#done.delete(sequence);
  }
}

function payloadOfExecution(execution: Execution): Json {
  const { id, projectId, triggerId, serviceId, packageId } = execution;
  return payloadOf({
    ...execution,
    executionId: id,
    projectId: projectId ?? undefined,
    triggerId: triggerId ?? undefined,
    serviceReference: packageId === undefined ? undefined : serviceId,
  });
}
