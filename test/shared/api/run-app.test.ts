import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createRunApp } from '../../../shared/api/run-app.ts';
import { claimExecution } from '../../../shared/invoke/executions.ts';
import { FencedStore } from '../../../shared/invoke/fenced-store.ts';
import { openWorkspace, put } from '../../support/workspace.ts';

async function openRunApi() {
  const workspace = await openWorkspace();
  const { platform, actor, project } = workspace;
  const call = { functionName: 'train', input: {}, caller: 'http', actor, executionId: 'run-1' } as const;
  await claimExecution(platform, 'run-1', call, 'holder-1');
  let points = 0;
  const app = createRunApp({
    platform: { ...platform, store: new FencedStore(platform.store, 'run-1', 'holder-1') },
    actor: { email: actor.email, projectIds: [project.id] },
    executionId: 'run-1',
    nextSampleId: () => `point-${++points}`,
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await platform.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return { status: response.status, body: (await response.json()) as { code?: string } };
  };
  return { ...workspace, ask, forget: () => (points = 0) };
}

it('what a run writes over the API is refused once another container took the run over', async () => {
  const api = await openRunApi();
  const item = await put(api, '/a.txt');
  const annotate = () => api.ask('POST', `/items/${item.id}/annotations`, [{ type: 'class', label: 'x' }]);
  const before = await annotate();

  await api.platform.store.update('Execution', 'run-1', (now) => ({
    ...now,
    lease: { ...now.lease!, holder: 'holder-2' },
  }));
  const after = await annotate();

  expect(before.status).toBe(200);
  expect(after).toMatchObject({ status: 409, body: { code: 'LeaseLost' } });
  expect(await api.platform.store.count('Annotation', {})).toBe(1);
  expect((await api.ask('GET', `/items/${item.id}`)).status).toBe(200);
});

it('a run that is done again puts its points where they were', async () => {
  const api = await openRunApi();
  const { ask, project } = api;
  const model = (await ask('POST', '/models', { name: 'm', projectId: project.id })).body as { id: string };
  const snapshot = (await ask('POST', '/snapshots', { name: 's', modelId: model.id })).body as { id: string };
  const log = (y: number) =>
    ask('POST', '/snapshots/metric', {
      ...{ snapshotId: snapshot.id, figure: 'loss', legend: 'train' },
      ...{ measure0: 1, measure1: y },
    });

  await log(0.5);
  api.forget();
  await log(0.25);

  expect((await ask('GET', `/snapshots/${snapshot.id}/metrics`)).body).toMatchObject([{ x: 1, y: 0.25 }]);
});

it.each([
  ['POST', '/projects'],
  ['PATCH', '/projects/x'],
  ['DELETE', '/projects/x'],
  ['PUT', '/executions/x'],
  ['POST', '/executions/x'],
  ['POST', '/executions/x/terminate'],
  ['POST', '/triggers'],
  ['DELETE', '/pipelines/x'],
  ['POST', '/pipelines/x/execute'],
  ['POST', '/query/faas/../../projects'],
])('%s %s is not for the adapter of a run', async (method, path) => {
  const api = await openRunApi();

  expect(await api.ask(method, path, {})).toMatchObject({ status: 403, body: { code: 'NotForRuns' } });
});
