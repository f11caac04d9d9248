import type { PartitionData, TrainingData } from '../../adapters/model-adapter.ts';
import type { Check } from '../check.ts';
import { differenceOfAnswers, ROUNDING } from '../differences.ts';
import { type Ended, endOf } from '../ended.ts';
import type { Subject } from '../subject.ts';

/** What a run does whose signal is aborted. */
export const CANCELLATION_CHECKS: readonly Check[] = [
  {
    id: 'cancelTrain',
    name: 'an aborted training ends with the reason of its signal',
    expected: 'train to throw the reason of the signal, soon after it was aborted',
    advice: 'Call `context.signal.throwIfAborted()` after reading the items and between steps.',
    needs: 'trains',
    trains: true,
    async run(subject) {
      const before = await problemOfTraining(subject, 'before it began', (_abort, data) => data, true);
      return before ?? problemOfTraining(subject, 'when it had its items', abortingData, false);
    },
  },
  {
    id: 'cancelPredict',
    name: 'an aborted prediction ends with the reason of its signal, or in full',
    expected: 'predict to throw the reason of the signal or to answer in full, soon after it was aborted',
    advice: 'Call `context.signal.throwIfAborted()` between steps, and never answer a part.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const adapter = await subject.loaded();
      const samples = await subject.prepare(adapter);
      const full = await subject.predict(adapter, samples);
      for (const isBefore of [true, false]) {
        const { controller, reason } = abortable();
        if (isBefore) controller.abort(reason);
        const running = endOf(
          () => subject.predict(adapter, samples, { signal: controller.signal }),
          subject.cancelWithinMs,
        );
        controller.abort(reason);
        const ended = await running;
        const problem =
          ended.how === 'returned'
            ? differenceOfAnswers(full, ended.value, subject.testNames, ROUNDING)
            : problemOf(ended, reason, subject.cancelWithinMs);
        if (problem !== undefined)
          return `aborted ${isBefore ? 'before it began' : 'while it ran'}: ${problem}`;
      }
      return undefined;
    },
  },
];

type Around = (abort: () => void, data: TrainingData<unknown>) => TrainingData<unknown>;

async function problemOfTraining(
  subject: Subject,
  when: string,
  around: Around,
  isBefore: boolean,
): Promise<string | undefined> {
  const { controller, reason } = abortable();
  const abort = () => controller.abort(reason);
  if (isBefore) abort();
  const training = {
    signal: controller.signal,
    around: (data: TrainingData<unknown>) => around(abort, data),
  };
  // The clock runs from the abort: reading items may take its time.
  const aborted = new Promise<void>((resolve) => {
    if (isBefore) resolve();
    else controller.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const running = subject.train(subject.create(), training);
  running.catch(() => undefined);
  await Promise.race([aborted, running.catch(() => undefined)]);
  const ended = await endOf(() => running, subject.cancelWithinMs);
  // It never asked for an item: there was no moment to stop it at.
  if (ended.how === 'returned' && !controller.signal.aborted) return undefined;
  const problem = problemOf(ended, reason, subject.cancelWithinMs);
  return problem && `aborted ${when}: ${problem}`;
}

/** Data that aborts the run as soon as it was read: all samples, or the first item. */
function abortingData(abort: () => void, data: TrainingData<unknown>): TrainingData<unknown> {
  const part = (partition: PartitionData<unknown>): PartitionData<unknown> => ({
    partition: partition.partition,
    count: partition.count,
    async *inputs() {
      for await (const input of partition.inputs()) {
        abort();
        yield input;
      }
    },
    async samples() {
      const samples = await partition.samples();
      abort();
      return samples;
    },
    async *stream(skip) {
      for await (const sample of partition.stream(skip)) {
        abort();
        yield sample;
      }
    },
  });
  return { train: part(data.train), validation: part(data.validation) };
}

function abortable(): { controller: AbortController; reason: Error } {
  return { controller: new AbortController(), reason: new Error('the check asked the run to stop') };
}

function problemOf(ended: Ended<unknown>, reason: Error, withinMs: number): string | undefined {
  if (ended.how === 'still running') return `it was still running ${withinMs} ms later`;
  if (ended.how === 'returned') return 'it went on to its end';
  return isCausedBy(ended.error, reason) ? undefined : `it threw ${String(ended.error)}`;
}

/** The reason itself, or an error that names it as its cause. */
function isCausedBy(error: unknown, reason: Error): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each === reason) return true;
  return false;
}
