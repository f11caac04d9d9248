import { afterEach, beforeEach, expect, it } from 'vitest';
import { triggerToWire } from '../../../shared/api/wire/trigger.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { fireDueTriggers, firePipelineAt } from '../../../shared/catalog/cron-triggers.ts';
import { firePipelines } from '../../../shared/catalog/pipeline-triggers.ts';
import { createPipeline, deletePipeline } from '../../../shared/catalog/pipelines.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { subscribedFunctions } from '../../../shared/catalog/subscriptions.ts';
import { createTrigger, updateTrigger } from '../../../shared/catalog/triggers.ts';
import { scheduledExecutionId } from '../../../shared/cron/execution-id.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import type { Pipeline } from '../../../shared/entities/pipeline.ts';
import type { Log } from '../../../shared/log.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { graph, node } from '../pipelines/graphs.ts';

let space: TinyWorkspace;
let pipeline: Pipeline;
let errors: unknown[];
let log: Log;
beforeEach(async () => {
  space = await openTinyWorkspace();
  errors = [];
  log = { ...space.platform.log, error: (message, fields) => void errors.push({ message, ...fields }) };
  const item = { portId: 'item', name: 'item', type: 'Item' };
  const drawn = graph([
    node('predict', 'predict', { inputs: [item], config: { snapshotId: space.snapshot.id } }),
  ]);
  pipeline = await createPipeline(space.platform, LOCAL_ACTOR, {
    ...drawn,
    name: 'p',
    projectId: space.project.id,
  });
});
afterEach(() => space.platform.close());

const trigger = (spec: object = {}, type = 'Event') =>
  createTrigger(space.platform, LOCAL_ACTOR, {
    name: 'run p',
    type,
    projectId: space.project.id,
    spec: {
      ...(type === 'Event' && { resource: 'Item', actions: ['Created'], filter: {} }),
      operation: { type: 'pipeline', id: pipeline.id, nodeId: 'predict' },
      ...spec,
    },
  });
const event = (id: string, fields: Partial<DatasetEvent> = {}): DatasetEvent => ({
  id,
  resource: 'Item',
  action: 'Created',
  resourceId: space.items.get('/test/4.json')!.id,
  datasetId: space.dataset.id,
  projectId: space.project.id,
  ...fields,
});
const fire = (...events: DatasetEvent[]) => firePipelines({ ...space.platform, log }, events);
const runs = async () => (await space.platform.store.query('PipelineExecution', {})).items;

it('an event of a subscribed resource records one run of the pipeline, with the resource as its input', async () => {
  await trigger();

  const first = await fire(event('e1'), event('e2', { action: 'Updated' }));
  const again = await fire(event('e1'));

  expect(again).toEqual(first);
  expect(await runs()).toMatchObject([
    {
      id: first[0],
      status: 'created',
      input: { item: { item_id: space.items.get('/test/4.json')!.id, dataset_id: space.dataset.id } },
    },
  ]);
  expect(await subscribedFunctions(space.platform.store, event('e1'))).toEqual([]);
});

it('fires each time or once for a resource, as the trigger says, and only where its filter holds', async () => {
  await trigger({ executionMode: 'Always', filter: { dir: '/test' } });
  const elsewhere = space.items.get('/train/1.json')!.id;

  await fire(event('e1'), event('e2'), event('e3', { resourceId: elsewhere }));

  expect(await runs()).toHaveLength(2);
});

it('is read back as clients read it and written as they write it, and both are the same', async () => {
  const made = await trigger();

  const wire = triggerToWire(made, 'http://host', 0) as { spec: { operation: object } };
  expect(wire.spec.operation).toMatchObject({
    type: 'pipeline',
    id: pipeline.id,
    pipeline: { id: pipeline.id },
  });
  const { id: _id, ...asRead } = wire.spec.operation as { id: string };
  const sent = { ...wire.spec, operation: asRead };
  expect(await updateTrigger(space.platform, LOCAL_ACTOR, made.id, { spec: sent })).toEqual(made);
});

it('refuses a pipeline that is none, or of another project', async () => {
  const other = await createProject(space.platform, LOCAL_ACTOR, { name: 'other' });
  const foreign = await createPipeline(space.platform, LOCAL_ACTOR, { name: 'q', projectId: other.id });

  for (const [operation, code] of [
    [{ type: 'pipeline' }, 'InvalidInput'],
    [{ type: 'pipeline', id: 'gone' }, 'EntityNotFound'],
    [{ type: 'pipeline', id: foreign.id }, 'InvalidInput'],
  ] as const)
    await expect(trigger({ operation })).rejects.toMatchObject({ code });
});

it('tells of a run that its pipeline refuses, and holds up nothing', async () => {
  await trigger({ input: { nonsense: 1 } });
  const gone = await trigger();
  expect(await fire(event('e1'))).toHaveLength(1);
  await deletePipeline(space.platform, LOCAL_ACTOR, pipeline.id);

  expect(await fire(event('e2', { resourceId: space.items.get('/test/0.json')!.id }))).toEqual([]);

  expect(errors).toContainEqual(expect.objectContaining({ code: 'InvalidInput' }));
  expect(errors).toContainEqual(expect.objectContaining({ code: 'EntityNotFound', trigger: gone.id }));
});

it('a time of a cron trigger is one run, whoever tells of it', async () => {
  const item = { item_id: space.items.get('/test/4.json')!.id };
  const spec = { cron: '*/5 * * * *', input: { item }, endAt: '2026-01-31T12:07:00.000Z' };
  const { id } = await trigger(spec, 'Cron');
  const time = '2026-01-31T12:05:00Z';

  expect(await firePipelineAt(space.platform, id, time)).toBe(scheduledExecutionId(id, time));
  space.platform.clock.advance(5 * 60_000);
  expect(await fireDueTriggers(space.platform)).toEqual([]);
  expect(await firePipelineAt(space.platform, id, '2026-01-31T12:10:00Z')).toBeUndefined();
  expect(await firePipelineAt(space.platform, 'gone', time)).toBeUndefined();

  expect(await runs()).toMatchObject([{ id: scheduledExecutionId(id, time), input: { item } }]);
});

it('a local server fires a pipeline at its time', async () => {
  const { id } = await trigger(
    { cron: '*/5 * * * *', input: { item: space.items.get('/test/4.json')!.id } },
    'Cron',
  );
  space.platform.clock.advance(5 * 60_000);

  expect(await fireDueTriggers(space.platform)).toEqual([scheduledExecutionId(id, '2026-01-31T12:05:00Z')]);
  expect(await runs()).toHaveLength(1);
});
