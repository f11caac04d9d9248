import type { DatasetEvent } from '../../shared/entities/dataset-event.ts';
import type { Execution } from '../../shared/entities/execution.ts';
import { type ErrorBody, toErrorBody } from '../../shared/errors.ts';
import { payloadOf } from '../../shared/invoke/callers/task-payload.ts';
import type { Json } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import type { EntityStore, OutboxEntry } from '../../shared/store/entity-store.ts';
import { appendDeadLetter } from './dead-letters.ts';
import { EventLane } from './event-lane.ts';
import type { FunctionHost } from './function-host.ts';
import { subscribedFunctions } from './subscriptions.ts';
import { SYSTEM_TIMERS, type Timers } from './timers.ts';

export interface EventDispatcherOptions {
  store: Pick<EntityStore, 'readEvents' | 'removeEvents' | 'query' | 'get'>;
  functions: Pick<FunctionHost, 'invoke' | 'runToEnd'>;
  /** File that takes, one JSON object a line, what no attempt could deliver. */
  deadLetterPath: string;
  log: Log;
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
  #timer: unknown;
  #polling: Promise<void> | undefined;
  #pollAgain = false;
  #closed = false;
  #failing = false;

  constructor(options: EventDispatcherOptions) {
    this.#options = { batchesAtOnce: 1, timers: SYSTEM_TIMERS, now: Date.now, ...options };
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
    if (this.#inFlight.size >= MAX_IN_FLIGHT) return;
    const entries = await this.#options.store.readEvents(this.#inFlight.size + PAGE_SIZE);
    const fresh = entries.filter(
      ({ sequence }) => !this.#inFlight.has(sequence) && !this.#done.has(sequence),
    );
    const subscribed = await this.#subscribed(fresh);
    fresh.forEach((entry, index) => {
      this.#deliver(entry, subscribed[index]!);
    });
    await this.#removeDone();
    this.#pollAgain ||= fresh.length > 0 && this.#inFlight.size < MAX_IN_FLIGHT;
  }

  /** The functions each entry goes to; the store is asked once for entries alike. */
  #subscribed(entries: readonly OutboxEntry[]): Promise<string[][]> {
    const asked = new Map<string, Promise<string[]>>();
    return Promise.all(
      entries.map(({ event }) => {
        if (event.resource === 'Execution') return requestedFunction(event);
        const key = JSON.stringify([event.projectId, event.resource, event.action]);
        const names = asked.get(key) ?? subscribedFunctions(this.#options.store, event);
        asked.set(key, names);
        return names;
      }),
    );
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

async function requestedFunction({ body }: DatasetEvent): Promise<string[]> {
  return typeof body?.functionName === 'string' ? [body.functionName] : [];
}
