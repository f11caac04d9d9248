import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { toQueueRecord } from '../../../cli/local/queue-message.ts';
import type { OutboxEntry } from '../../../shared/store/entity-store.ts';
import type { Death } from './dying-store.ts';
import { environmentOf } from './parity-space.ts';
import type { BatchAnswer, BatchMessage } from './predict-worker.ts';

const WORKER = join(import.meta.dirname, 'predict-worker.ts');
const BATCH_SIZE = 10;
const MAX_DELIVERIES = 5;
/** By its rules an execution that took three containers down is at its end: no event is with a third one that dies. */
const MAX_LOSSES = 2;

export interface DeliveryPlan {
  home: string;
  /** Address of the store. */
  store: string;
  events: readonly OutboxEntry[];
  workers: number;
  /** Processes that are killed on the way, each replaced by the next. */
  kills: number;
  random: () => number;
}

export interface DeliveryReport {
  /** Records handed out, repeated ones and those of lost batches too. */
  deliveries: number;
  kills: number;
  /** Code -> how often a record failed with it, and was delivered again. */
  failures: Record<string, number>;
  seconds: number;
}

interface Delivery {
  messageId: string;
  entry: OutboxEntry;
}

/**
 * Is the queue: delivers every event one to five times, in any order, to processes of which some are killed, and
 * delivers again what was lost with them or failed. Resolves when the queue is empty.
 */
export async function deliverAll(plan: DeliveryPlan): Promise<DeliveryReport> {
  const queue = shuffled(repeated(plan), plan.random);
  const losses = new Map<string, number>();
  const report: DeliveryReport = { deliveries: 0, kills: 0, failures: {}, seconds: 0 };
  const started = performance.now();
  let dueToDie = plan.kills;
  let busy = 0;
  let stirred = Promise.withResolvers<void>();
  const stir = (): void => {
    stirred.resolve();
    stirred = Promise.withResolvers();
  };
  const nextDeath = (): Death | undefined =>
    dueToDie-- > 0
      ? { afterCalls: 1 + Math.floor(plan.random() * 300), side: plan.random() < 0.5 ? 'before' : 'after' }
      : undefined;

  const serve = async (): Promise<void> => {
    let worker = startWorker(plan, nextDeath());
    for (;;) {
      const batch = queue.splice(0, BATCH_SIZE);
      if (batch.length === 0 && busy === 0) break;
      if (batch.length === 0) {
        await stirred.promise;
        continue;
      }
      busy += 1;
      report.deliveries += batch.length;
      const spared = batch.some(({ entry }) => (losses.get(entry.event.id) ?? 0) >= MAX_LOSSES);
      const answer = await run(worker, { batch: { Records: batch.map(toRecord) }, spared });
      if (answer === undefined) {
        report.kills += 1;
        for (const { entry } of batch) losses.set(entry.event.id, (losses.get(entry.event.id) ?? 0) + 1);
        worker = startWorker(plan, nextDeath());
      } else for (const code of answer.codes) report.failures[code] = (report.failures[code] ?? 0) + 1;
      queue.push(...batch.filter(({ messageId }) => answer?.failed.includes(messageId) ?? true));
      busy -= 1;
      stir();
    }
    worker.kill('SIGKILL');
  };
  await Promise.all(Array.from({ length: plan.workers }, serve));
  report.seconds = (performance.now() - started) / 1000;
  return report;
}

function startWorker({ home, store }: DeliveryPlan, death: Death | undefined): ChildProcess {
  return fork(WORKER, [JSON.stringify(death ?? null)], {
    env: environmentOf(home, store),
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** What the worker answered; nothing when it was killed over the batch. @throws when it ended in another way */
async function run(worker: ChildProcess, message: BatchMessage): Promise<BatchAnswer | undefined> {
  worker.send(message, () => {});
  const stop = new AbortController();
  const ended = once(worker, 'exit', stop).then(([code, signal]) => {
    if (signal !== 'SIGKILL') throw new Error(`a worker ended by itself with ${code ?? signal}`);
    return undefined;
  });
  const answered = once(worker, 'message', stop).then(([answer]) => answer as BatchAnswer);
  for (const promise of [ended, answered]) promise.catch(() => {});
  try {
    return await Promise.race([ended, answered]);
  } finally {
    stop.abort();
  }
}

function toRecord({ entry, messageId }: Delivery): object {
  return { ...toQueueRecord(entry, 'predict', 1, Date.now()), messageId };
}

function repeated({ events, random }: DeliveryPlan): Delivery[] {
  return events.flatMap((entry) =>
    Array.from({ length: 1 + Math.floor(random() * MAX_DELIVERIES) }, (_, copy) => ({
      messageId: `${entry.event.id}-${copy}`,
      entry,
    })),
  );
}

/** Fisher and Yates. */
function shuffled<T>(list: T[], random: () => number): T[] {
  for (let index = list.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [list[index], list[other]] = [list[other]!, list[index]!];
  }
  return list;
}
