import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fireDueTriggers } from '../../../shared/catalog/cron-triggers.ts';
import { firePipelines } from '../../../shared/catalog/pipeline-triggers.ts';
import { createPipeline } from '../../../shared/catalog/pipelines.ts';
import { subscribedFunctions } from '../../../shared/catalog/subscriptions.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import type { Log } from '../../../shared/log.ts';
import { StoreUnavailable } from '../../../shared/store/errors.ts';
import { cutOff, rewriteDocument, withDeepInput } from '../../support/damage-document.ts';
import { openWorkspace, put, type Workspace } from '../../support/workspace.ts';
import { trainAndPredict } from '../pipelines/graphs.ts';

let space: Workspace;
let errors: { message: string; trigger?: unknown; [field: string]: unknown }[];
let log: Log;
beforeEach(async () => {
  space = await openWorkspace();
  errors = [];
  log = { ...space.platform.log, error: (message, fields) => void errors.push({ message, ...fields }) };
});
afterEach(() => space.platform.close());

const cron = (name: string) =>
  createTrigger(space.platform, space.actor, {
    name,
    type: 'Cron',
    projectId: space.project.id,
    spec: { cron: '* * * * *', input: { a: 1 }, operation: { type: 'function', functionName: 'evaluate' } },
  });
const fire = () => fireDueTriggers({ ...space.platform, log });
const runsOf = async () =>
  (await space.platform.store.query('Execution', {})).items.map(({ triggerId }) => triggerId);

describe('a cron trigger that is bad', () => {
  it.each([
    ['stored deeper than SQLite reads', withDeepInput],
    ['damaged on the disk', cutOff],
  ])('because it was %s does not stop the triggers of other projects', async (_name, change) => {
    const bad = await cron('bad');
    const good = await cron('good');
    rewriteDocument(space.platform, 'triggers', bad.id, change);
    space.platform.clock.advance(60_000);

    expect(await fire()).toHaveLength(1);

    expect(await runsOf()).toEqual([good.id]);
  });

  it('because its time cannot be worked out is named and counted, and the others fire', async () => {
    const bad = await cron('bad');
    const good = await cron('good');
    rewriteDocument(space.platform, 'triggers', bad.id, (doc) => doc.replace('* * * * *', 'every so often'));
    space.platform.clock.advance(60_000);

    expect(await fire()).toHaveLength(1);

    expect(await runsOf()).toEqual([good.id]);
    expect(errors).toMatchObject([
      { message: 'trigger cannot be fired', trigger: bad.id, code: 'InvalidCron', failed: 1, due: 2 },
    ]);
  });
});

describe('a trigger of a pipeline', () => {
  const event = async () => ({
    id: 'e1',
    resource: 'Item' as const,
    action: 'Created' as const,
    resourceId: (await put(space, '/a.txt')).id,
    datasetId: space.dataset.id,
    projectId: space.project.id,
  });
  const subscribe = async (name: string) => {
    const graph = trainAndPredict();
    const drawn = { ...graph, name, projectId: space.project.id };
    const pipeline = await createPipeline(space.platform, space.actor, drawn);
    return createTrigger(space.platform, space.actor, {
      name,
      projectId: space.project.id,
      spec: {
        resource: 'Item',
        actions: ['Created'],
        filter: {},
        input: { snapshot: 's1' },
        operation: { type: 'pipeline', id: pipeline.id },
      },
    });
  };

  it('that fails in a way nobody foresaw is named, and the next one begins its run', async () => {
    const [bad] = [await subscribe('bad'), await subscribe('good')];
    rewriteDocument(space.platform, 'triggers', bad.id, (doc) => doc.replace('"filter":{}', '"filter":7'));

    expect(await firePipelines({ ...space.platform, log }, [await event()])).toHaveLength(1);

    expect(errors).toMatchObject([{ trigger: bad.id }]);
    expect(await space.platform.store.count('PipelineExecution', {})).toBe(1);
  });

  it('that meets a store which is away is tried again later, after the others were served', async () => {
    await subscribe('first');
    await subscribe('second');
    const { store } = space.platform;
    let calls = 0;
    const shaky = new Proxy(store, {
      get: (target, name) => {
        if (name === 'count')
          return (...query: Parameters<typeof store.count>) => {
            calls += 1;
            if (calls === 1) throw new StoreUnavailable(new Error('away'), 'Try again.');
            return store.count(...query);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

    await expect(
      firePipelines({ ...space.platform, store: shaky, log }, [await event()]),
    ).rejects.toMatchObject({
      code: 'StoreUnavailable',
    });

    expect(await store.count('PipelineExecution', {})).toBe(1);
  });
});

it('a subscription that is damaged hides no other function from an event', async () => {
  const triggers = [];
  for (const functionName of ['predict', 'train'])
    triggers.push(
      await createTrigger(space.platform, space.actor, {
        name: functionName,
        projectId: space.project.id,
        spec: {
          resource: 'Item',
          actions: ['Created'],
          filter: {},
          operation: { type: 'function', functionName },
        },
      }),
    );
  rewriteDocument(space.platform, 'triggers', triggers[0]!.id, cutOff);

  const event = { resource: 'Item' as const, action: 'Created' as const, resourceId: 'i', datasetId: null };
  expect(
    await subscribedFunctions(space.platform.store, { ...event, id: 'e1', projectId: space.project.id }),
  ).toEqual(['train']);
});
