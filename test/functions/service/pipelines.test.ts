import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { serviceFunction } from '../../../functions/service/service.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createPipeline, executePipeline } from '../../../shared/catalog/pipelines.ts';
import { deleteService } from '../../../shared/catalog/services.ts';
import type { PipelineNode } from '../../../shared/entities/pipeline.ts';
import type { Service } from '../../../shared/entities/service.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import type { FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import { compileGraph } from '../../../shared/pipelines/compile-graph.ts';
import { runPipeline } from '../../../shared/pipelines/run-pipeline.ts';
import { connection, graph, node } from '../../shared/pipelines/graphs.ts';
import { deploy } from '../../support/service-workspace.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { validateMachine } from '../../support/validate-machine.ts';

const SPECS = {
  train: trainFunction,
  service: serviceFunction,
  predict: predictFunction,
} as unknown as Record<string, FunctionSpec>;

let space: TinyWorkspace;
let service: Service;
beforeEach(async () => {
  space = await openTinyWorkspace();
  const code = `export class Runner {
    count() {}
    async pick({ snapshot, dataset, count }, context) {
      const items = [];
      for await (const item of context.items(dataset, { dir: '/test' })) items.push(item);
      return { items: items.slice(0, count), snapshot: snapshot.snapshot, enough: items.length >= count };
    }
  }`;
  const input = [
    { name: 'snapshot', type: 'Snapshot', load: true },
    { name: 'dataset', type: 'Dataset' },
    { name: 'count', type: 'Integer', value: 2 },
  ];
  const output = [
    { name: 'items', type: 'Item[]' },
    { name: 'snapshot', type: 'Snapshot' },
    { name: 'enough', type: 'Boolean' },
  ];
  ({ service } = await deploy(space, code, [{ name: 'pick', input, output }, { name: 'count' }]));
});
afterEach(() => space.platform.close());

const port = (name: string, type: string) => ({ portId: name, name, type });
const pick = (more: Partial<PipelineNode> = {}): PipelineNode =>
  node('pick', 'pick', {
    type: 'code',
    namespace: { functionName: 'pick', serviceName: 'tools' },
    config: { inputs: { dataset: { dataset_id: space.dataset.id } } },
    inputs: [port('snapshot', 'Snapshot')],
    outputs: [port('items', 'Item[]'), port('snapshot', 'Snapshot'), port('enough', 'Boolean')],
    ...more,
  });
/** Trains, picks with what was trained, and predicts what was picked where there was enough. */
const drawn = (own: PipelineNode = pick()) =>
  graph(
    [
      node('train', 'train'),
      own,
      node('predict', 'predict', { inputs: [port('snapshot', 'Snapshot'), port('items', 'Item[]')] }),
    ],
    [
      connection('train.snapshot -> pick.snapshot'),
      connection('pick.snapshot -> predict.snapshot'),
      connection('pick.items -> predict.items', '{"enough": true}'),
    ],
    ['train'],
  );
const create = (of = drawn()) =>
  createPipeline(space.platform, LOCAL_ACTOR, { ...of, name: 'p', projectId: space.project.id });

it('a node of type code runs a function of a service between others, by its ports', async () => {
  const { id } = await create();
  const begun = await executePipeline(space.platform, LOCAL_ACTOR, id, {
    input: { snapshot: space.snapshot.id },
  });
  const called: string[] = [];

  const ended = await runPipeline(space.platform, begun, {
    invoke: (name, payload) => {
      called.push(name);
      return callFromPipeline(space.container, SPECS[name]!, payload, undefined);
    },
    wait: () => Promise.resolve(),
  });

  expect(ended).toMatchObject({ status: 'success', error: null });
  expect(called).toEqual(['train', 'service', 'predict']);
  const of = async (nodeId: string) =>
    (await space.platform.store.get('Execution', ended.nodes[nodeId]!.executionIds[0]!))!;
  expect(await of('pick')).toMatchObject({
    functionName: 'pick',
    serviceId: service.id,
    caller: 'pipeline',
    pipeline: { id, nodeId: 'pick', executionId: begun.id },
    output: { items: [{ item_id: expect.any(String) }, { item_id: expect.any(String) }], enough: true },
  });
  expect(await of('predict')).toMatchObject({ output: { items: 2 } });
});

it('is the function of all services in the state machine that it becomes', async () => {
  const machine = compileGraph(drawn(), { projectId: 'p1', pipelineId: 'pl1' });

  expect(JSON.stringify(machine)).toMatch(/"FunctionName":"\$\{ServiceFunctionArn\}"/);
  expect(JSON.stringify(machine)).toContain('"function":"pick","service":{"name":"tools"}');
  expect(await validateMachine(machine)).toEqual([]);
});

describe('a drawing with a node of a service', () => {
  it.each<[string, () => PipelineNode, RegExp]>([
    [
      'of an unknown service',
      () => pick({ namespace: { functionName: 'pick', serviceName: 'tool' } }),
      /no service "tool"/,
    ],
    [
      'of an unknown function',
      () => pick({ namespace: { functionName: 'pik', serviceName: 'tools' } }),
      /has no function "pik"; the nearest is pick/,
    ],
    ['without a service', () => pick({ namespace: { functionName: 'pick' } }), /names no service/],
    [
      'with a port of another type',
      () => pick({ inputs: [port('snapshot', 'Model')] }),
      /snapshot of pick is of type Snapshot, not Model/,
    ],
    [
      'with an output that is not declared',
      () => pick({ outputs: [port('items', 'Item[]'), port('snapshot', 'Snapshot'), port('rest', 'Json')] }),
      /rest is no output of pick/,
    ],
    ['with a required input missing', () => pick({ config: {} }), /input dataset is missing/],
    [
      'with a snapshot bound to an input that it has not',
      () =>
        pick({
          namespace: { functionName: 'count', serviceName: 'tools' },
          config: { snapshotId: space.snapshot.id },
          inputs: [],
        }),
      /count has no input snapshot to bind/,
    ],
    [
      'with a fixed input that it has not',
      () => pick({ config: { inputs: { dataset: 'x', number: 1 } } }),
      /number.*is no input of pick/,
    ],
  ])('%s is refused, and nothing is kept of it', async (_what, own, message) => {
    await expect(create(drawn(own()))).rejects.toMatchObject({
      code: 'PipelineInvalid',
      message: expect.stringMatching(message),
    });
    expect(await space.platform.store.count('Pipeline', {})).toBe(0);
  });

  it('keeps the service from being deleted', async () => {
    await create();

    await expect(deleteService(space.platform, LOCAL_ACTOR, service.id)).rejects.toMatchObject({
      code: 'StillInUse',
      details: { users: ['pipeline p'] },
    });
  });
});
