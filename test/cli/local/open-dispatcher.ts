import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { EventDispatcher, POLL_INTERVAL_MS } from '../../../cli/local/event-dispatcher.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import type { EventTrigger } from '../../../shared/entities/trigger.ts';
import type { Json } from '../../../shared/json.ts';
import { silentLog } from '../../../shared/log.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { temporaryFolder } from './fixture-functions.ts';
import { heldTimers } from './held-timers.ts';

const PROJECT = '0b1e6c0e-7c39-4c3a-9d1c-9f3f0f6f7a11';

export interface Record {
  messageId: string;
  body: string;
  attributes: { ApproximateReceiveCount: string };
  eventSource: string;
}
export type Reply = (functionName: string, records: Record[]) => unknown;

export const isRetry = (delayMs: number) => delayMs !== POLL_INTERVAL_MS;
export const eventIdOf = ({ body }: Record): string => JSON.parse(body).detail.id;

export function event(index: number, fields: Partial<DatasetEvent> = {}): DatasetEvent {
  return {
    id: index.toString(16).padStart(24, '0'),
    resource: 'Item',
    action: 'Created',
    resourceId: (1000 + index).toString(16).padStart(24, '0'),
    datasetId: 'd'.repeat(24),
    projectId: PROJECT,
    userId: 'me@example.org',
    ...fields,
  };
}

export function trigger(
  index: number,
  functionName: string,
  fields: Partial<EventTrigger['spec']> = {},
  active = true,
): EventTrigger {
  return {
    id: (9000 + index).toString(16).padStart(24, '0'),
    name: `trigger ${index}`,
    type: 'Event',
    active,
    projectId: PROJECT,
    spec: {
      filter: {},
      resource: 'Item',
      actions: ['Created'],
      executionMode: 'Always',
      input: {},
      operation: { type: 'function', functionName },
      ...fields,
    },
    scope: 'project',
    global: false,
    creator: 'me@example.org',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
}

export async function openStore(triggers: EventTrigger[] = [trigger(1, 'predict')]): Promise<EntityStore> {
  const store = await openSqliteStore({ path: join(await temporaryFolder(), 'store.sqlite') });
  onTestFinished(() => store.close());
  await store.insert('Trigger', triggers);
  return store;
}

export async function openDispatcher(
  store: EntityStore,
  reply: Reply = () => null,
  deadLetterPath?: string,
  log = silentLog,
  runToEnd: (functionName: string, payload: Json) => Promise<boolean> = () =>
    Promise.reject(new Error('no run was planned')),
  batchesAtOnce = 1,
  before?: (events: readonly DatasetEvent[]) => Promise<unknown>,
) {
  const calls: { functionName: string; records: Record[] }[] = [];
  const time = heldTimers();
  const retries = () => time.delays.filter(isRetry);
  const dispatcher = new EventDispatcher({
    store,
    functions: {
      invoke: async (functionName, batch) => {
        const { Records: records } = batch as { Records: Record[] };
        calls.push({ functionName, records });
        return reply(functionName, records);
      },
      runToEnd,
    },
    deadLetterPath: deadLetterPath ?? join(await temporaryFolder(), 'home', 'dead-letters.jsonl'),
    log,
    batchesAtOnce,
    ...(before && { before }),
    timers: time.timers,
    now: () => Date.parse('2026-01-02T03:04:05.678Z'),
  });
  onTestFinished(() => dispatcher.close());
  return { dispatcher, calls, retries, ...time };
}

/** Resolves when nothing is left in the outbox. */
export async function drained(store: EntityStore): Promise<void> {
  while ((await store.readEvents(1)).length > 0) await new Promise(setImmediate);
}

/** Fires retries as they are set until the condition holds. */
export async function retryUntil(
  fire: () => boolean,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  while (!(await holds())) {
    fire();
    await new Promise(setImmediate);
  }
}
