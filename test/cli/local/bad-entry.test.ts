import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS } from '../../../cli/local/event-lane.ts';
import { PipelineRunner } from '../../../cli/local/pipeline-runner.ts';
import { createPipeline, executePipeline } from '../../../shared/catalog/pipelines.ts';
import { StoreUnavailable } from '../../../shared/store/errors.ts';
import { trainAndPredict } from '../../shared/pipelines/graphs.ts';
import { rewriteDocument } from '../../support/damage-document.ts';
import { openWorkspace, type Workspace } from '../../support/workspace.ts';
import { recordingLog, temporaryFolder } from './fixture-functions.ts';
import {
  drained,
  event,
  eventIdOf,
  isRetry,
  openDispatcher,
  openStore,
  retryUntil,
} from './open-dispatcher.ts';

describe('an event whose subscribers cannot be found', () => {
  const dispatcherWith = async (error: unknown) => {
    const store = await openStore();
    const { log, lines } = recordingLog();
    const deadLetterPath = join(await temporaryFolder(), 'dead-letters.jsonl');
    const opened = await openDispatcher(
      store,
      () => null,
      deadLetterPath,
      log,
      undefined,
      1,
      async (events) => {
        if (events.some(({ id }) => id === event(1).id)) throw error;
      },
    );
    await store.appendEvents([event(1), event(2), event(3)]);
    const delivered = () => opened.calls.flatMap(({ records }) => records.map(eventIdOf));
    return { store, lines, deadLetterPath, ...opened, delivered };
  };

  it('waits while the others are delivered, and becomes a dead letter when it fails for good', async () => {
    const opened = await dispatcherWith(new TypeError('a field is missing'));
    const { store, dispatcher, delivered, fire, lines, deadLetterPath } = opened;

    await dispatcher.wake();
    await retryUntil(
      () => false,
      () => delivered().length === 2,
    );
    expect(delivered()).toEqual([event(2).id, event(3).id]);
    await retryUntil(
      () => fire(isRetry),
      async () => (await store.readEvents(1)).length === 0,
    );

    expect(JSON.parse(await readFile(deadLetterPath, 'utf8'))).toMatchObject({
      event: { id: event(1).id },
      attempts: MAX_ATTEMPTS,
    });
    expect(lines.map(({ message }) => message)).toEqual(['event cannot be dispatched yet', 'event given up']);
  });

  it('is never given up for an outage that may pass', async () => {
    const opened = await dispatcherWith(new StoreUnavailable(new Error('away'), 'Try again.'));
    const { store, dispatcher, delivered, fire, retries } = opened;

    await dispatcher.wake();
    await retryUntil(
      () => fire(isRetry),
      () => retries().length > MAX_ATTEMPTS + 2,
    );

    expect(delivered()).toEqual([event(2).id, event(3).id]);
    expect((await store.readEvents(10)).map(({ event: { id } }) => id)).toEqual([event(1).id]);
  });
});

it('a record that ends the process of its function takes no other record of its batch with it', async () => {
  const store = await openStore();
  const deadLetterPath = join(await temporaryFolder(), 'dead-letters.jsonl');
  const served = new Set<string>();
  const { dispatcher, fire } = await openDispatcher(
    store,
    (_name, records) => {
      if (records.some((record) => eventIdOf(record) === event(2).id)) throw new Error('the process ended');
      for (const record of records) served.add(eventIdOf(record));
      return null;
    },
    deadLetterPath,
  );
  await store.appendEvents([1, 2, 3, 4].map((index) => event(index)));

  await dispatcher.wake();
  await retryUntil(
    () => fire(isRetry),
    async () => (await store.readEvents(1)).length === 0,
  );

  expect([...served].sort()).toEqual([event(1).id, event(3).id, event(4).id]);
  const letters = (await readFile(deadLetterPath, 'utf8')).trim().split('\n');
  expect(letters.map((line) => (JSON.parse(line) as { event: { id: string } }).event.id)).toEqual([
    event(2).id,
  ]);
  await drained(store);
});

describe('pipeline runs that cannot be made', () => {
  let space: Workspace;
  beforeEach(async () => {
    space = await openWorkspace();
  });
  afterEach(() => space.platform.close());

  it('are recorded as failed and take no place of the runs behind them', async () => {
    const { platform, actor, project } = space;
    const drawn = { ...trainAndPredict(), name: 'p', projectId: project.id };
    const pipeline = await createPipeline(platform, actor, drawn);
    const record = () => executePipeline(platform, actor, pipeline.id, { input: { snapshot: 's1' } });
    const bad = [];
    for (let index = 0; index < 20; index += 1) bad.push(await record());
    const good = await record();
    for (const { id } of bad)
      rewriteDocument(platform, 'pipeline_executions', id, (doc) => doc.replace('"nodes":[', '"nodes":[7,'));
    const { log, lines } = recordingLog();
    const runner = new PipelineRunner({
      platform,
      functions: { invoke: async () => ({ snapshot: { id: 's1' }, metrics: { accuracy: 1 } }) },
      log,
      timers: { setTimeout: () => undefined, clearTimeout: () => undefined },
    });

    await runner.wake();
    await runner.drained();
    await runner.wake();
    await runner.drained();

    const statusOf = async (id: string) => (await platform.store.get('PipelineExecution', id))!.status;
    expect(await statusOf(good.id)).toBe('success');
    expect(await statusOf(bad[0]!.id)).toBe('failed');
    expect(lines.filter(({ message }) => message === 'pipeline run lost')).toHaveLength(20);
  });
});
