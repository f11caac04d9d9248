import { afterEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { terminateExecution } from '../../shared/catalog/executions.ts';
import { readMetrics } from '../../shared/catalog/metrics.ts';
import { updateSnapshot } from '../../shared/catalog/snapshots.ts';
import { runInPlace } from '../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

describe('the train function', () => {
  let space: TinyWorkspace;
  const open = async (options?: Parameters<typeof openTinyWorkspace>[0]) => {
    space = await openTinyWorkspace(options);
    return space;
  };
  afterEach(() => space.platform.close());
  const train = (input = {}, executionId?: string) =>
    runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id, ...input }, executionId);
  const current = async () => (await space.platform.store.get('Snapshot', space.snapshot.id))!;

  it('saves the weights as the next revision and records what they were made from', async () => {
    await open();

    const output = await train({ seed: 3 });

    expect(output).toMatchObject({
      status: 'trained',
      items: { train: 6, validation: 0 },
      leftOut: { unlabelled: 0, failedCount: 0 },
      metrics: { 'classes/count': 2 },
    });
    expect(await current()).toMatchObject({
      revision: 1,
      status: 'trained',
      run: null,
      lineage: {
        seed: 3,
        model: { id: space.model.id, codeDigest: expect.stringMatching(/^builtin:modelfn\/tiny@/) },
        dataset: {
          id: space.dataset.id,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          partitions: { train: 6, test: 4 },
        },
        configuration: { bias: 0 },
      },
    });
  });

  it('ends well when the adapter logs NaN and Infinity, and stores both', async () => {
    await open({
      probe: {
        onTrain: ({ log }) => {
          log({ figure: 'loss', legend: 'train', x: 1, y: Number.NaN });
          log({ figure: 'loss', legend: 'validation', x: 1, y: Number.POSITIVE_INFINITY });
        },
      },
    });

    const output = await train();

    expect(output).toMatchObject({
      status: 'trained',
      metrics: { 'loss/train': 'NaN', 'loss/validation': 'Infinity', 'classes/count': 2 },
    });
    expect(await current()).toMatchObject({ revision: 1, status: 'trained' });
    const samples = await readMetrics(space.platform, LOCAL_ACTOR, space.snapshot.id, { figure: 'loss' });
    expect(samples.map(({ legend, y }) => [legend, y])).toEqual([
      ['train', 'NaN'],
      ['validation', 'Infinity'],
    ]);
  });

  it('names the curve of a point that is no number', async () => {
    await open({
      probe: {
        onTrain: ({ log }) => log({ figure: 'loss', legend: 'train', x: 1, y: 'high' as unknown as number }),
      },
    });

    await expect(train()).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('metric sample "loss/train": y: expected a number'),
    });
  });

  it('refuses a configuration by the check of the class before the adapter is constructed or reads an item', async () => {
    let trainings = 0;
    await open({
      probe: {
        onTrain: () => {
          trainings += 1;
        },
      },
    });
    const adapterClass = await space.container.builtIns.load('modelfn/tiny');
    const given: unknown[] = [];
    Object.assign(adapterClass, {
      checkConfiguration: (...asked: unknown[]) => {
        given.push(asked);
        return [
          { field: 'bias', problem: 'is too small' },
          { field: 'bais', problem: 'there is no such setting' },
        ];
      },
    });

    await expect(train()).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('bias: is too small; bais: there is no such setting'),
    });
    expect(given).toEqual([[{ bias: 0 }, ['low', 'high']]]);
    expect(trainings).toBe(0);
    expect(await current()).toMatchObject({ revision: 0, run: null });
  });

  it('gives the same bytes for the same data and seed', async () => {
    await open();

    const first = await train();
    const second = await train();

    expect((second.weights as { files: unknown }).files).toEqual((first.weights as { files: unknown }).files);
  });

  it('reading a default of the class writes it nowhere', async () => {
    await open();

    await train();

    expect((await current()).configuration).toEqual({});
    expect((await space.platform.store.get('Model', space.model.id))!.configuration).toEqual({});
  });

  it('leaves out items that cannot be read and items without a label, and says so', async () => {
    await open();
    const { store, content } = space.platform;
    const broken = await content.put(new TextEncoder().encode('{}'), 100);
    await store.update('Item', space.items.get('/train/1.json')!.id, (item) => ({
      ...item,
      content: broken,
    }));
    const labels = await store.ids('Annotation', {
      filter: { itemId: space.items.get('/train/2.json')!.id },
    });
    await store.delete('Annotation', labels);

    const output = await train();

    expect(output).toMatchObject({
      leftOut: { unlabelled: 1, failedCount: 1, failed: [{ filename: '/train/1.json' }] },
    });
  });

  it('refuses an empty train partition and leaves the snapshot as it was', async () => {
    await open();
    const filter = { filename: '/nowhere/*' };

    await expect(train({ filter })).rejects.toMatchObject({ code: 'PartitionEmpty', statusCode: 422 });

    expect(await current()).toMatchObject({ revision: 0, weights: null, run: null, status: 'failed' });
  });

  it('a failed training of a trained snapshot leaves it trained and loadable', async () => {
    await open();
    await train();

    await expect(train({ filter: { filename: '/nowhere/*' } })).rejects.toMatchObject({
      code: 'PartitionEmpty',
    });

    expect(await current()).toMatchObject({ revision: 1, status: 'trained', run: null });
    const output = await runInPlace(space.container, predictFunction, {
      snapshot: space.snapshot.id,
      item: space.items.get('/test/4.json')!.id,
    });
    expect(output).toMatchObject({ items: 1 });
  });

  it('freezes the configuration while it runs', async () => {
    const during: unknown[] = [];
    await open({
      probe: {
        onTrain: async () => {
          await updateSnapshot(space.platform, LOCAL_ACTOR, space.snapshot.id, {
            configuration: { bias: 5 },
          }).catch((error: unknown) => during.push(error));
        },
      },
    });

    await train();

    expect(during).toEqual([expect.objectContaining({ code: 'SnapshotInUse', statusCode: 409 })]);
    expect((await current()).configuration).toEqual({});
  });

  it('refuses a second training of the same snapshot while one runs', async () => {
    const during: unknown[] = [];
    await open({
      probe: {
        onTrain: async () => {
          if (during.length > 0) return;
          during.push('first');
          await train().catch((error: unknown) => during.push(error));
        },
      },
    });

    await train();

    expect(during[1]).toMatchObject({ code: 'SnapshotInUse' });
    expect(await current()).toMatchObject({ revision: 1 });
  });

  it('is stopped by terminate, keeps nothing, and says who asked', async () => {
    const executionId = 'a'.repeat(24);
    await open({
      probe: {
        onTrain: async ({ signal }) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          signal.addEventListener('abort', () => resolve());
          await terminateExecution(space.platform, LOCAL_ACTOR, executionId);
          await promise;
        },
      },
    });

    await expect(train({}, executionId)).rejects.toMatchObject({ code: 'Cancelled' });

    expect(await current()).toMatchObject({ revision: 0, weights: null, run: null });
    expect(await space.platform.store.get('Execution', executionId)).toMatchObject({
      toTerminate: true,
      latestStatus: { status: 'failed', message: expect.stringContaining('InterruptedError') },
    });
  });

  it('called again with the same execution answers the same and trains nothing', async () => {
    await open();
    const executionId = 'b'.repeat(24);

    const first = await train({}, executionId);
    const again = await train({}, executionId);

    expect(again).toEqual(first);
    expect(await current()).toMatchObject({ revision: 1 });
  });

  it('a fault nobody foresaw is told as one, and the snapshot is given back', async () => {
    await open({
      probe: {
        onTrain: () => {
          throw new TypeError('x is not a function');
        },
      },
    });

    await expect(train()).rejects.toMatchObject({ code: 'InternalError', statusCode: 500 });

    expect(await current()).toMatchObject({ run: null, status: 'failed' });
  });
});
