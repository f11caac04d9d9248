import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { STRANGER } from '../../support/workspace.ts';
import { connection, graph, node, trainAndPredict } from '../pipelines/graphs.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

interface Body {
  id: string;
  code: string;
  message: string;
  url: string;
  compositionId: string;
  revisions: string[];
  nodes: JsonObject[];
  items: Body[];
  status: string;
  executions: Record<string, JsonObject[]>;
  details: { problems: { field: string; problem: string }[] };
}

const drawn = () => ({ ...trainAndPredict(), name: 'nightly', projectId: api.project.id });
const create = () => api.call<Body>('POST', '/pipelines', drawn());

describe('/pipelines', () => {
  it('is created, read, redrawn, listed and deleted', async () => {
    const { status, body: pipeline } = await create();

    expect(status).toBe(200);
    expect(pipeline).toMatchObject({
      name: 'nightly',
      compositionId: pipeline.id,
      orgId: null,
      revisions: ['1'],
    });
    expect(pipeline.url).toBe(`${api.baseUrl}/pipelines/${pipeline.id}`);
    expect((await api.call('GET', `/pipelines/${pipeline.id}`)).body).toEqual(pipeline);

    const nodes = [...trainAndPredict().nodes, node('also', 'evaluate')];
    const connections = [...trainAndPredict().connections, connection('train.snapshot -> also.snapshot')];
    const redrawn = await api.call<Body>('PATCH', `/pipelines/${pipeline.id}`, {
      ...pipeline,
      nodes,
      connections,
    });
    expect(redrawn.body).toMatchObject({ revisions: ['2'] });
    expect(redrawn.body.nodes).toHaveLength(4);

    const listed = await api.call<Body>('POST', '/pipelines/query', { resource: 'pipelines', filter: {} });
    expect(listed.body.items.map(({ id }) => id)).toEqual([pipeline.id]);

    expect((await api.call('DELETE', `/pipelines/${pipeline.id}`)).status).toBe(200);
    expect((await api.call('GET', `/pipelines/${pipeline.id}`)).status).toBe(404);
  });

  it("keeps of a node's metadata what a client forgets, and takes its new position", async () => {
    const first = drawn();
    first.nodes[0]!.metadata = { position: { x: 1, y: 1 }, note: 'kept' };
    const { body } = await api.call<Body>('POST', '/pipelines', first);
    const nodes = structuredClone(first.nodes);
    nodes[0]!.metadata = { position: { x: 5, y: 1 } };

    const patched = await api.call<Body>('PATCH', `/pipelines/${body.id}`, { nodes });

    expect(patched.body.nodes[0]).toMatchObject({ metadata: { position: { x: 5, y: 1 }, note: 'kept' } });
  });

  it.each<[string, () => object, string]>([
    ['a cycle', () => graph([node('a', 'load')], [connection('a.snapshot -> a.snapshot')]), 'nodes.a'],
    [
      'a snapshot that is not there',
      () => graph([node('a', 'load', { config: { snapshotId: 'none' } })]),
      'nodes.a.config.snapshotId',
    ],
    ['a condition that is none', () => trainAndPredict('x'), 'connections.1.condition'],
  ])('is refused with %s, and nothing of it is kept', async (_what, faulty, field) => {
    const { body: pipeline } = await create();

    const created = await api.call<Body>('POST', '/pipelines', {
      ...faulty(),
      name: 'b',
      projectId: api.project.id,
    });
    const changed = await api.call<Body>('PATCH', `/pipelines/${pipeline.id}`, {
      ...faulty(),
      name: 'other',
    });

    for (const { status, body } of [created, changed]) {
      expect(status).toBe(400);
      expect(body.code).toBe('PipelineInvalid');
      expect(body.details.problems.map((each) => each.field)).toContain(field);
    }
    expect((await api.call('GET', `/pipelines/${pipeline.id}`)).body).toEqual(pipeline);
    expect(await api.platform.store.count('Pipeline', {})).toBe(1);
  });

  it('has one name in a project', async () => {
    await create();

    expect((await create()).status).toBe(409);
  });

  it('records a run, which is polled with the executions of its nodes', async () => {
    const { body: pipeline } = await create();

    const begun = await api.call<Body>('POST', `/pipelines/${pipeline.id}/execute`, {
      input: { snapshot: 's1' },
    });
    const polled = await api.call<Body>('GET', `/pipelines/${pipeline.id}/executions/${begun.body.id}`);

    expect(begun.status).toBe(200);
    expect(begun.body).toMatchObject({
      pipelineId: pipeline.id,
      pipelineExecutionId: begun.body.id,
      status: 'created',
      executions: { train: [], evaluate: [], predict: [] },
    });
    expect(polled.body).toEqual(begun.body);
    const states = await api.call<Body>('POST', '/pipelines/query', {
      resource: 'pipelineState',
      filter: {},
    });
    expect(states.body.items).toEqual([begun.body]);
  });

  it.each([
    ['nothing', {}, 'input.snapshot'],
    ['an unknown input', { input: { snapshot: 's1', snapshto: 's2' } }, 'input.snapshto'],
  ])('begins no run that is given %s', async (_what, body, field) => {
    const { body: pipeline } = await create();

    const refused = await api.call<Body>('POST', `/pipelines/${pipeline.id}/execute`, body);

    expect(refused).toMatchObject({ status: 400, body: { code: 'InvalidInput' } });
    expect(refused.body.details.problems[0]).toMatchObject({ field });
    expect(await api.platform.store.count('PipelineExecution', {})).toBe(0);
  });

  it('begins no run of what is not drawn yet', async () => {
    const { body } = await api.call<Body>('POST', '/pipelines', { name: 'empty', projectId: api.project.id });

    expect(await api.call('POST', `/pipelines/${body.id}/execute`, {})).toMatchObject({
      status: 400,
      body: { code: 'PipelineInvalid' },
    });
  });

  it('is nobody else’s', async () => {
    const { body: pipeline } = await create();
    const begun = await api.call<Body>('POST', `/pipelines/${pipeline.id}/execute`, {
      input: { snapshot: 's1' },
    });
    api.as(STRANGER);

    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', {}],
      ['DELETE', ''],
      ['POST', '/execute', {}],
      ['GET', `/executions/${begun.body.id}`],
    ] as const)
      expect(
        (await api.call(method, `/pipelines/${pipeline.id}${path}`, body)).status,
        `${method} ${path}`,
      ).toBe(404);
    expect((await api.call<Body>('POST', '/pipelines/query', {})).body.items).toEqual([]);
  });
});
