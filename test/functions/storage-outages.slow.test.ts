import { afterEach, describe, expect, it } from 'vitest';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { BucketUnavailable } from '../../shared/buckets/errors.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import { openContents } from '../../shared/open-contents.ts';
import { systemBackoff } from '../../shared/patience/backoff.ts';
import { type GcsServer, startGcsServer } from '../support/gcs-server.ts';
import { gitContext } from '../support/git-context.ts';
import { runInPlace } from '../support/run-function.ts';
import type { Storage } from '../support/storage-outage.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';
import { METHODS, type Method, runWithOutage } from './storage-outages.ts';

const CASES = Object.entries(METHODS).flatMap(([method, storages]) =>
  storages.map((storage) => [method, storage] as [Method, Storage]),
);
const error = () =>
  new BucketUnavailable({ bucketType: 'gcs', operation: 'read', key: 'a', cause: new Error('HTTP 503') });

describe('an outage of storage that begins with any call of a run', () => {
  it.each(CASES)(
    'changes nothing in the result of %s when its %s come back within ten seconds',
    async (method, storage) => {
      const undisturbed = await runWithOutage(method, { storage, error });

      for (let fromCall = 0; fromCall < undisturbed.outage.calls; fromCall += 1) {
        const disturbed = await runWithOutage(method, { storage, fromCall, lastsMs: 10_000, error });
        if (disturbed.error === undefined) {
          expect(disturbed.output, `from call ${fromCall}`).toEqual(undisturbed.output);
          expect(disturbed.after, `from call ${fromCall}`).toEqual(undisturbed.after);
        } else {
          expect(disturbed.error, `from call ${fromCall}`).toMatchObject({ retryable: true });
          expect(disturbed.after, `from call ${fromCall}`).toEqual(disturbed.before);
        }
      }
    },
  );

  it.each(CASES)('fails %s and keeps nothing when its %s never come back', async (method, storage) => {
    const undisturbed = await runWithOutage(method, { storage, error });

    for (let fromCall = 0; fromCall < undisturbed.outage.calls; fromCall += 1) {
      const lost = await runWithOutage(method, { storage, fromCall, lastsMs: Infinity, error });
      if (lost.error !== undefined) {
        expect(lost.error, `from call ${fromCall}`).toMatchObject({ code: 'BucketUnavailable' });
        expect(lost.after, `from call ${fromCall}`).toEqual(lost.before);
      } else expect(lost.output, `from call ${fromCall}`).toEqual(undisturbed.output);
    }
  });
});

/** Requests to the server fail with 503 from one on, for so long. */
function breakDown(server: GcsServer, fromRequest: number, lastsMs: number): void {
  let beganAt: number | undefined;
  let requests = 0;
  server.decide = () => {
    requests += 1;
    if (requests === fromRequest) beganAt = performance.now();
    const isDown = beganAt !== undefined && performance.now() - beganAt < lastsMs;
    return isDown ? { kind: 'status', status: 503 } : { kind: 'pass' };
  };
}

describe('Cloud Storage that answers 503 in real time', () => {
  let space: TinyWorkspace;
  let server: GcsServer;
  afterEach(async () => {
    await space.platform.close();
    await server.close();
  });

  /** A container whose contents lie in the server, and a snapshot whose bucket does. */
  async function open(patienceMs: number) {
    space = await openTinyWorkspace();
    server = await startGcsServer('contents', 'weights');
    const gcs = { ...space.platform.config.gcs, credentials: 'anonymous', endpoint: server.origin } as const;
    const config = { ...space.platform.config, gcs, content: { bucketName: 'contents', prefix: '' } };
    const content = await openContents(config, space.platform.cacheDirectory, gitContext());
    for (const { content: info } of space.items.values())
      await content.put(await space.platform.content.bytes(info!), 1_000);
    const { openPlatform } = await import('../../shared/open-platform.ts');
    const platform = await openPlatform(config, {
      store: space.platform.store,
      content,
      log: space.platform.log,
      backoff: systemBackoff(patienceMs),
    });
    const bucket = {
      type: 'gcs',
      gcsProjectName: 'test-project',
      gcsBucketName: 'weights',
      gcsPrefix: 'tiny',
    } as const;
    await space.platform.store.update('Snapshot', space.snapshot.id, (current) => ({ ...current, bucket }));
    return createContainer(platform, space.builtIns);
  }
  const current = async () => (await space.platform.store.get('Snapshot', space.snapshot.id))!;

  it('for ten seconds leaves a training, a prediction and an evaluation as they are without', async () => {
    const container = await open(60_000);
    const input = { snapshot: space.snapshot.id };
    const filter = { 'metadata.system.snapshotPartition': 'test' };
    const undisturbed = await runInPlace(container, trainFunction, input);

    breakDown(server, 4, 10_000);
    const trained = await runInPlace(container, trainFunction, input);
    breakDown(server, 3, 10_000);
    const predicted = await runInPlace(container, predictFunction, {
      ...input,
      items: { dataset: space.dataset.id, filter },
    });
    breakDown(server, 3, 10_000);
    const evaluated = await runInPlace(container, evaluateFunction, { ...input, predict: true });

    expect(trained).toMatchObject({
      items: undisturbed.items,
      leftOut: { failedCount: 0 },
      weights: { files: (undisturbed.weights as { files: [] }).files },
    });
    expect(await current()).toMatchObject({ revision: 2, status: 'trained' });
    expect(predicted).toMatchObject({ items: 4, failed: [] });
    expect(evaluated).toMatchObject({ items: 4, evaluated: 4, failed: [], metrics: { accuracy: 1 } });
  });

  it('for ever fails a training once its patience ends, and leaves the snapshot as it was', async () => {
    const container = await open(3_000);
    breakDown(server, 4, Infinity);

    await expect(runInPlace(container, trainFunction, { snapshot: space.snapshot.id })).rejects.toMatchObject(
      { code: 'BucketUnavailable', retryable: true },
    );

    expect(await current()).toMatchObject({ revision: 0, weights: null, run: null });
  });
});
