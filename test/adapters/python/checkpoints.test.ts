import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TrainContext } from '../../../adapters/model-adapter.ts';
import type { NewMetricSample } from '../../../shared/entities/metric-sample.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { ENDLESS, hosted, moduleWith, pythonCode, pythonProblem, sample } from './hosted-python.ts';

const part = (partition: 'train' | 'validation') => ({
  partition,
  count: 0,
  async *inputs() {},
  samples: async () => [],
  async *stream() {},
});
const DATA = { train: part('train'), validation: part('validation') };

function contextWith(over: Partial<TrainContext>): TrainContext {
  return {
    signal: new AbortController().signal,
    seed: 7,
    log: () => undefined,
    progress: () => undefined,
    parent: undefined,
    resumeFrom: undefined,
    shouldCheckpoint: () => true,
    shouldYield: () => true,
    checkpoint: async (write) => write(temporaryFolder()),
    ...over,
  };
}

const COUNTING = moduleWith(`
import os
def train(data, context):
    step = 0
    if context.resume_from is not None:
        step = int(open(os.path.join(context.resume_from, "step")).read())
    while step < 3:
        step += 1
        context.progress(step / 3, "step %d" % step)
        context.log({"step/train": step, "seed": context.seed}, x=step)
        if context.should_checkpoint():
            def write(directory):
                with open(os.path.join(directory, "step"), "w") as file:
                    file.write(str(step))
            context.checkpoint(write)
            if context.should_yield():
                return "yielded"
`);

describeUnless(pythonProblem, 'a training in Python', () => {
  it('logs NaN and infinities, and predictions may contain them', async () => {
    const points: NewMetricSample[] = [];
    const lines = `
def train(data, context): context.log({"loss/train": float("nan"), "loss/best": float("-inf")}, x=1)
def predict(batch):
    return [[{"label": "low", "confidence": float("nan"), "coordinates": [1, float("inf")]}], [{"label": "low", "confidence": 1}]]`;
    const adapter = await hosted(pythonCode({ 'model.py': moduleWith(lines) }));

    await adapter.train(DATA, contextWith({ log: (...samples) => points.push(...samples) }));
    const found = await adapter.predict([sample('{}'), sample('{}')], ENDLESS);

    expect(points.map(({ y }) => y)).toEqual(['NaN', '-Infinity']);
    expect(found).toMatchObject([
      [{ confidence: Number.NaN, coordinates: [1, Number.POSITIVE_INFINITY] }],
      [{ confidence: 1 }],
    ]);
  });

  it('checkpoints, yields, and goes on from what it wrote, its points and progress told', async () => {
    const kept = temporaryFolder();
    const points: NewMetricSample[] = [];
    const progress: (string | undefined)[] = [];
    const slice = async (resumeFrom: string | undefined) => {
      const adapter = await hosted(pythonCode({ 'model.py': COUNTING }));
      return adapter.train(
        DATA,
        contextWith({
          resumeFrom,
          log: (...samples) => points.push(...samples),
          progress: (_fraction, message) => progress.push(message),
          checkpoint: async (write) => {
            const folder = temporaryFolder();
            await write(folder);
            writeFileSync(join(kept, 'step'), readFileSync(join(folder, 'step')));
          },
        }),
      );
    };

    const answers = [await slice(undefined), await slice(kept), await slice(kept), await slice(kept)];

    expect(answers).toEqual(['yielded', 'yielded', 'yielded', undefined]);
    expect(points.filter(({ figure }) => figure === 'step').map(({ y }) => y)).toEqual([1, 2, 3]);
    expect(points.find(({ figure }) => figure === 'seed')).toEqual({
      figure: 'seed',
      legend: 'seed',
      x: 1,
      y: 7,
    });
    expect(progress).toEqual(expect.arrayContaining(['step 1', 'step 2', 'step 3']));
  });

  it('whose checkpoint cannot be kept fails with the reason, and one that cannot be written is not kept', async () => {
    const full = await hosted(pythonCode({ 'model.py': COUNTING }));
    const failing = pythonCode({
      'model.py': moduleWith(
        'def train(data, context):\n  def write(directory): raise OSError("no room")\n  context.checkpoint(write)',
      ),
    });
    const outcomes: string[] = [];

    const notKept = full.train(
      DATA,
      contextWith({
        checkpoint: async (write) => {
          await write(temporaryFolder());
          throw new Error('the bucket is gone');
        },
      }),
    );
    await expect(notKept).rejects.toMatchObject({
      code: 'PythonRaised',
      message: expect.stringContaining('the bucket is gone'),
    });

    const notWritten = (await hosted(failing)).train(
      DATA,
      contextWith({
        checkpoint: async (write) => {
          await write(temporaryFolder()).catch((error: Error) => {
            outcomes.push(error.message);
            throw error;
          });
          outcomes.push('kept');
        },
      }),
    );
    await expect(notWritten).rejects.toThrow('raised OSError: no room');
    expect(outcomes).toEqual(['OSError: no room']);
  });

  it('that is killed while it writes a checkpoint leaves no checkpoint open', async () => {
    const python = pythonCode({
      'model.py': moduleWith(
        'import os\ndef train(data, context):\n  context.checkpoint(lambda directory: os.kill(os.getpid(), 9))',
      ),
    });
    let ended = 'open';

    const training = (await hosted(python)).train(
      DATA,
      contextWith({
        checkpoint: async (write) => {
          await write(temporaryFolder()).finally(() => {
            ended = 'closed';
          });
        },
      }),
    );

    await expect(training).rejects.toMatchObject({ code: 'PythonDied' });
    expect(ended).toBe('closed');
  });

  it('cannot be told to go on by an except Exception', async () => {
    const python = pythonCode({
      'model.py': moduleWith(`
import time
def train(data, context):
    while True:
        try:
            context.progress(0.5, "going on")
        except Exception:
            pass
        time.sleep(0.01)
`),
    });
    const controller = new AbortController();
    const reason = new Error('stop');

    const training = (await hosted(python)).train(
      DATA,
      contextWith({
        signal: controller.signal,
        progress: (_fraction, message) => {
          if (message === 'going on') controller.abort(reason);
        },
      }),
    );

    await expect(training).rejects.toBe(reason);
  });
});
