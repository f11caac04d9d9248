import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { loadFunction } from '../../../functions/load/load.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { defineFunction, type FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import type { Platform } from '../../../shared/platform.ts';
import { loadWithinLimit } from '../../../shared/snapshots/shared-load.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

let space: TinyWorkspace;
beforeEach(async () => {
  space = await openTinyWorkspace();
});
afterEach(() => space.platform.close());

/** Calls a function that has to answer within 50 ms. */
const callWithDeadline = (spec: FunctionSpec, input: Record<string, string>) =>
  invoke(space.container, spec, {
    functionName: spec.name,
    input,
    caller: 'http',
    actor: LOCAL_ACTOR,
    deadline: space.platform.clock.now() + 50,
  });

/** Rejections that nobody handled while the test ran. */
function watchRejections(): unknown[] {
  const seen: unknown[] = [];
  const note = (reason: unknown) => seen.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return seen;
}

describe('a load', () => {
  it('of a snapshot without weights fails with WeightsMissing while its code is still being fetched, and no rejection is left unhandled', async () => {
    const unhandled = watchRejections();
    const failed = Promise.withResolvers<void>();
    const openBucket: Platform['openBucket'] = async (...where) => {
      const bucket = await space.platform.openBucket(...where);
      const list = bucket.list.bind(bucket);
      bucket.list = (...options) => {
        failed.resolve();
        return list(...options);
      };
      return bucket;
    };
    const builtIns = {
      ...space.builtIns,
      load: async (entryPoint: string) => {
        await failed.promise;
        for (let turns = 0; turns < 100; turns += 1) await turn();
        return space.builtIns.load(entryPoint);
      },
    };
    space.container = createContainer({ ...space.platform, openBucket }, builtIns);

    const predicting = runInPlace(space.container, predictFunction, {
      snapshot: space.snapshot.id,
      item: space.items.get('/test/4.json')!.id,
    });

    await expect(predicting).rejects.toMatchObject({ code: 'WeightsMissing', statusCode: 404 });
    expect(unhandled).toEqual([]);
  });

  it.each([
    ['predict', predictFunction as unknown as FunctionSpec],
    ['load', loadFunction as unknown as FunctionSpec],
  ])(
    'that never answers does not hold a call of %s beyond its deadline, and the next call finds it',
    async (_name, spec) => {
      await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
      space.container = createContainer(space.platform, space.builtIns);
      space.probe.loads = 0;
      const slow = Promise.withResolvers<void>();
      space.probe.onLoad = () => slow.promise;
      const input = {
        snapshot: space.snapshot.id,
        ...(spec.name === 'predict' && { item: space.items.get('/test/4.json')!.id }),
      };

      const first = await callWithDeadline(spec, input);
      slow.resolve();
      const second = await runInPlace(space.container, spec, input);

      expect(first.error).toMatchObject({ code: 'DeadlineExceeded', statusCode: 504, retryable: true });
      expect(first.execution.error).toMatchObject({ code: 'DeadlineExceeded' });
      expect(second).toMatchObject({ cold: false });
      expect(space.probe.loads).toBe(1);
    },
  );

  it('that reaches the limit of all loads fails, is logged by its caller, and frees what arrives later', async () => {
    const late = Promise.withResolvers<string>();
    const disposed: string[] = [];
    const loading = loadWithinLimit({
      load: () => late.promise,
      dispose: (value) => disposed.push(value),
      timedOut: (limitMs) => new Error(`not within ${limitMs}`),
      limitMs: 10,
    });

    await expect(loading).rejects.toThrow('not within 10');
    late.resolve('weights');
    await late.promise;

    expect(disposed).toEqual(['weights']);
  });
});

describe('a run that ignores its signal', () => {
  it('is answered with DeadlineExceeded all the same', async () => {
    const deaf = defineFunction({
      name: 'deaf',
      description: 'never ends',
      mode: 'inPlace',
      inputs: {},
      run: () => new Promise<never>(() => undefined),
    });

    const { error } = await callWithDeadline(deaf as unknown as FunctionSpec, {});

    expect(error).toMatchObject({ code: 'DeadlineExceeded' });
  });

  it('cannot write after its end was recorded, when it was claimed', async () => {
    const left = Promise.withResolvers<void>();
    let written: Promise<unknown> | undefined;
    const deaf = defineFunction({
      name: 'deaf',
      description: 'writes too late',
      mode: 'background',
      inputs: {},
      run: async (_inputs, { platform }) => {
        await left.promise;
        written = platform.store.update('Project', space.project.id, (project) => ({
          ...project,
          name: 'late',
        }));
        return written.then(() => ({}));
      },
    });

    const { execution } = await callWithDeadline(deaf as unknown as FunctionSpec, {});
    left.resolve();
    await turn();

    expect(execution.error).toMatchObject({ code: 'DeadlineExceeded' });
    await expect(written).rejects.toMatchObject({ code: 'LeaseLost' });
  });
});
