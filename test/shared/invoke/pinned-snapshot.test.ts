import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { createHandler } from '../../../shared/invoke/handler.ts';
import type { JsonObject } from '../../../shared/json.ts';
import type { Log } from '../../../shared/log.ts';
import { silentLog } from '../../../shared/log.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

let space: TinyWorkspace;
beforeEach(async () => {
  space = await openTinyWorkspace();
  await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await space.platform.close();
});

/** A function's handler in a new container pinned to a snapshot, as a module makes it when it is imported. */
function pinnedTo(snapshotId: string, log: Log = silentLog) {
  vi.stubEnv('MODELFN_SNAPSHOT', snapshotId);
  const handler = createHandler(predictFunction, space.builtIns, async () => ({ ...space.platform, log }));
  const predict = () =>
    handler({
      inputs: { snapshot: space.snapshot.id, item: space.items.get('/test/4.json')!.id, write: false },
    }) as Promise<JsonObject>;
  return { predict };
}

it('a pinned snapshot is loaded before any event; one that comes meanwhile waits for the same load', async () => {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  space.probe.onLoad = () => {
    begun.resolve();
    return held.promise;
  };

  const { predict } = pinnedTo(space.snapshot.id);
  await begun.promise;
  const predicting = predict();
  held.resolve();

  expect(await predicting).toMatchObject({ items: 1, cold: false });
  expect(space.probe.loads).toBe(1);
});

it('what failed during init is logged, told by the first event, and tried again by the next', async () => {
  const warned = Promise.withResolvers<JsonObject>();
  const log = { ...silentLog, warn: (_message: string, fields = {}) => warned.resolve(fields as JsonObject) };
  space.probe.onLoad = () => Promise.reject(new Error('no such kernel'));

  const { predict } = pinnedTo(space.snapshot.id, log);

  expect(await warned.promise).toMatchObject({
    snapshotId: space.snapshot.id,
    error: expect.stringContaining('no such kernel'),
  });
  await expect(predict()).rejects.toThrow('no such kernel');
  space.probe.onLoad = () => undefined;
  expect(await predict()).toMatchObject({ items: 1, cold: true });
});

it('a pin that names no snapshot is logged, and other snapshots are served', async () => {
  const warned = Promise.withResolvers<JsonObject>();
  const log = { ...silentLog, warn: (_message: string, fields = {}) => warned.resolve(fields as JsonObject) };

  const { predict } = pinnedTo('0'.repeat(24), log);

  expect(await warned.promise).toMatchObject({ error: expect.stringContaining('MODELFN_SNAPSHOT') });
  expect(await predict()).toMatchObject({ items: 1 });
});

it('an event after the snapshot moved on gets the later revision, though the earlier one is still loading', async () => {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  space.probe.onLoad = () => {
    begun.resolve();
    return held.promise;
  };
  const { predict } = pinnedTo(space.snapshot.id);
  await begun.promise;
  space.probe.onLoad = () => undefined;
  await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });

  expect(await predict()).toMatchObject({ cold: true, snapshot: { revision: 2 } });

  held.resolve();
  expect(await predict()).toMatchObject({ cold: false, snapshot: { revision: 2 } });
});
