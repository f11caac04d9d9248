import { subscribedFunctionsOfAll } from '../catalog/subscriptions.ts';
import { eachAlone, type Failure, mayPass } from '../each-alone.ts';
import type { DatasetEvent } from '../entities/dataset-event.ts';
import { toErrorBody } from '../errors.ts';
import type { Log } from '../log.ts';
import type { EntityStore, OutboxEntry } from '../store/entity-store.ts';
import type { CallAws } from './aws-caller.ts';
import { type BusEntry, busEntry, MAX_BYTES, packed } from './bus-entry.ts';
import { RelayRefused } from './errors.ts';
import { putEvents, type Taken } from './event-bus.ts';
import { giveUpEvent } from './give-up-event.ts';

export interface DrainOptions {
  store: Pick<EntityStore, 'readEvents' | 'removeEvents' | 'query'>;
  call: CallAws;
  /** Name of the bus. */
  bus: string;
  /** Address of the queue for events that the bus never takes. */
  deadLetters: string;
  log: Log;
  /** Is told of events before they are sent, and again of those that were not taken. */
  before(events: readonly DatasetEvent[]): Promise<unknown>;
  /** When to begin nothing more, ms since 1970. */
  until: number;
  now(): number;
  pause(milliseconds: number): Promise<unknown>;
}

const PAGE_SIZE = 100;
/** Events that are left in one round before the rest is left too. */
const MAX_LEFT = 1_000;

/** Calls in a row of which nothing is taken, before the rest is left to the next relay; and the pauses between them. */
const MAX_REFUSALS = 5;
const FIRST_PAUSE_MS = 200;

/** The entry itself is at fault: no repetition helps. Anything else may be the bus's, or a right that is missing. */
const ENTRY_AT_FAULT = ['EntryTooLarge', 'MalformedDetail'];

/**
 * Moves changes from the outbox to the bus, in order, until it is empty or time is up. An entry leaves the outbox when AWS
 * has it, on the bus or among the dead letters: each is delivered at least once, and several relays at once only repeat.
 * What of a call was not taken goes first in the next one.
 * @throws RelayRefused when AWS takes nothing; the outbox keeps it
 */
export async function drainOutbox(options: DrainOptions): Promise<{ sent: number; givenUp: number }> {
  const done = { sent: 0, givenUp: 0 };
  /** Sequences of events that are left in the outbox for the next relay. */
  const left = new Set<number>();
  let refusals = 0;
  while (options.now() < options.until && left.size < MAX_LEFT) {
    const found = await options.store.readEvents(left.size + PAGE_SIZE);
    const waiting = found.filter(({ sequence }) => !left.has(sequence));
    if (waiting.length === 0) break;
    const { entries, failures } = await prepare(options, waiting);
    for (const { entry, error } of failures) {
      const { code, message: reason } = toErrorBody(error);
      const { event, sequence } = entry;
      options.log.error('event cannot be sent', { event: event.id, code, reason });
      left.add(sequence);
      if (mayPass(error)) continue;
      await giveUp(options, entry, { code, reason });
      done.givenUp += 1;
    }
    if (entries.length === 0) continue;
    const refused = await sendPage(options, entries, done);
    if (refused === undefined) continue;
    refusals = refused.tookSome ? 1 : refusals + 1;
    if (refusals >= MAX_REFUSALS) throw new RelayRefused('events', `${refused.code}: ${refused.reason}`);
    await options.pause(FIRST_PAUSE_MS * 2 ** (refusals - 1));
  }
  return done;
}

/** Finds the subscribers of all events at once; when that fails, of each alone, so that one event does not stop the others. */
async function prepare(
  options: DrainOptions,
  waiting: readonly OutboxEntry[],
): Promise<{ entries: BusEntry[]; failures: Failure<OutboxEntry>[] }> {
  try {
    return { entries: await busEntries(options, waiting), failures: [] };
  } catch {
    const entries: BusEntry[] = [];
    const failures = await eachAlone(waiting, async (entry) => {
      entries.push(...(await busEntries(options, [entry])));
    });
    return { entries, failures };
  }
}

async function busEntries(
  { store, bus, before }: DrainOptions,
  waiting: readonly OutboxEntry[],
): Promise<BusEntry[]> {
  const events = waiting.map(({ event }) => event);
  await before(events);
  const functions = await subscribedFunctionsOfAll(store, events);
  return waiting.map((entry, index) => busEntry(entry, functions[index]!, bus));
}

/** Sends entries batch by batch, as far as AWS takes them; answers what stopped it. */
async function sendPage(
  options: DrainOptions,
  entries: readonly BusEntry[],
  done: { sent: number; givenUp: number },
): Promise<{ code: string; reason: string; tookSome: boolean } | undefined> {
  const tooLarge = entries.filter(({ bytes }) => bytes > MAX_BYTES);
  for (const entry of tooLarge) {
    const reason = `${entry.bytes} bytes, of which ${MAX_BYTES} may be sent`;
    await giveUp(options, entry.entry, { code: 'EntryTooLarge', reason });
    done.givenUp += 1;
  }
  let tookSome = false;
  for (const batch of packed(entries.filter((entry) => !tooLarge.includes(entry)))) {
    if (options.now() >= options.until) return undefined;
    const refused = await sendBatch(options, batch, done);
    tookSome ||= refused === undefined || refused.tookSome;
    if (refused) return { ...refused, tookSome };
  }
  return undefined;
}

async function sendBatch(
  options: DrainOptions,
  batch: readonly BusEntry[],
  done: { sent: number; givenUp: number },
): Promise<{ code: string; reason: string; tookSome: boolean } | undefined> {
  const answers = await putEvents(options.call, batch);
  const taken = batch.filter((_entry, index) => answers[index]!.code === undefined);
  if (taken.length > 0) await options.store.removeEvents(taken.map(({ entry }) => entry.sequence));
  done.sent += taken.length;
  let refused: Exclude<Taken, { code?: undefined }> | undefined;
  for (const [index, answer] of answers.entries()) {
    if (answer.code === undefined) continue;
    if (ENTRY_AT_FAULT.includes(answer.code)) {
      await giveUp(options, batch[index]!.entry, answer);
      done.givenUp += 1;
    } else refused ??= answer;
  }
  return refused && { ...refused, tookSome: taken.length > 0 };
}

/** It leaves the outbox once the queue has it. */
async function giveUp(
  { call, deadLetters, log, store }: DrainOptions,
  { event, sequence }: OutboxEntry,
  problem: { code: string; reason: string },
): Promise<void> {
  await giveUpEvent(call, deadLetters, event, problem);
  await store.removeEvents([sequence]);
  const { id, resource, action, resourceId } = event;
  log.error('event given up', { event: id, resource, action, resourceId, ...problem });
}
