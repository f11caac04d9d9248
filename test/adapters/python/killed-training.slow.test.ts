import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { readMetrics } from '../../../shared/catalog/metrics.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { pythonProblem } from './hosted-python.ts';
import { openPythonWorkspace } from './python-workspace.ts';

/** The trainer with a plan of where its process ends; `deliver` is one delivery of the same execution. */
async function openTraining(plan: JsonObject = {}) {
  const marks = temporaryFolder();
  const code = temporaryFolder();
  copyFileSync(join(import.meta.dirname, 'epoch_trainer.py'), join(code, 'model.py'));
  const space = await openPythonWorkspace(code, { ...plan, marks });
  onTestFinished(() => space.platform.close());
  const { store } = space.platform;
  // Each delivery comes to a container of its own, as after a crash. An event is delivered again by its queue.
  const deliver = () =>
    runInPlace(space.openContainer(), trainFunction, { snapshot: space.snapshot.id }, 'execution-1', 'event');
  const losses = async () =>
    (await readMetrics(space.platform, LOCAL_ACTOR, space.snapshot.id)).map(({ x, y }) => [x, y]);
  const execution = async () => (await store.get('Execution', 'execution-1'))!;
  return { ...space, marks, deliver, losses, execution };
}

const filesOf = (output: JsonObject) => (output.weights as { files: JsonObject[] }).files;

/** What a training without a crash comes to; made once. */
let reference: Promise<{ files: JsonObject[]; losses: unknown[][] }> | undefined;
function uninterrupted() {
  reference ??= openTraining().then(async (training) => ({
    files: filesOf(await training.deliver()),
    losses: await training.losses(),
  }));
  return reference;
}

describeUnless(pythonProblem, 'a training whose process is killed', () => {
  it.each([
    { points: ['middle 0', 'middle 3'], resumed: ['resumed at 3'] },
    { points: ['checkpoint 1', 'checkpoint 3'], resumed: ['resumed at 1', 'resumed at 3'] },
    { points: ['end 1', 'end 4'], resumed: ['resumed at 2', 'resumed at 5'] },
  ])(
    'at $points is delivered again, goes on from its last checkpoint, and comes to the same weights and curve',
    async ({ points, resumed }) => {
      const wanted = await uninterrupted();
      const training = await openTraining({ dieAt: points });

      for (const point of points)
        await expect(training.deliver()).rejects.toMatchObject({
          ...{ code: 'PythonDied', retryable: true },
          details: { how: 'was killed by SIGKILL', lastWords: `ends at ${point}` },
        });
      const output = await training.deliver();

      expect(readdirSync(training.marks).filter((name) => name.startsWith('resumed'))).toEqual(resumed);
      expect(filesOf(output)).toEqual(wanted.files);
      expect(await training.losses()).toEqual(wanted.losses);
      expect(await training.execution()).toMatchObject({ attempts: 3, latestStatus: { status: 'success' } });
    },
  );

  it('from outside, in the middle of an epoch, goes on from its last checkpoint', async () => {
    const wanted = await uninterrupted();
    const training = await openTraining({ waitAt: 'middle 2' });
    const mark = join(training.marks, 'middle 2');

    const first = training.deliver();
    first.catch(() => undefined);
    await expect.poll(() => existsSync(mark), { timeout: 20_000 }).toBe(true);
    process.kill(Number(readFileSync(mark, 'utf8')), 'SIGKILL');

    await expect(first).rejects.toMatchObject({ code: 'PythonDied' });
    expect(await training.platform.store.get('Snapshot', training.snapshot.id)).toMatchObject({
      ...{ status: 'failed', revision: 0, run: null },
    });
    expect(filesOf(await training.deliver())).toEqual(wanted.files);
    expect(existsSync(join(training.marks, 'resumed at 2'))).toBe(true);
  });

  it('in every attempt ends with its last words, and is not tried for ever', async () => {
    const training = await openTraining({ dieAt: ['middle 0', 'middle 1', 'middle 2', 'middle 3'] });
    const outcomes: unknown[] = [];

    for (let delivery = 0; delivery < 5; delivery += 1)
      outcomes.push(await training.deliver().catch((error: Error) => error.message));

    expect(outcomes).toEqual([
      expect.stringContaining('ends at middle 0'),
      expect.stringContaining('ends at middle 1'),
      // The third attempt is the last; later deliveries are told what it said.
      ...Array.from({ length: 3 }, () => expect.stringContaining('ends at middle 2')),
    ]);
    expect(await training.execution()).toMatchObject({
      ...{ attempts: 3, latestStatus: { status: 'failed' } },
      error: { code: 'PythonDied', statusCode: 503 },
    });
    expect(existsSync(join(training.marks, 'middle 3'))).toBe(false);
  });
});
