import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ApiProcess } from '../../../cli/local/api-process.ts';
import { FunctionHost } from '../../../cli/local/function-host.ts';
import { toHttpEvent } from '../../../cli/local/http-event.ts';
import { readConfig, toEnvironment } from '../../../shared/config.ts';
import { isJsonObject } from '../../../shared/json.ts';
import { silentLog } from '../../../shared/log.ts';
import { buildProject } from '../../support/project-build.ts';
import { temporaryFolder } from './fixture-functions.ts';

it('every function of the project starts from its bundle alone, and a cold start reads less than 300 kB in three files at most', async () => {
  const folder = await temporaryFolder();
  const built = await buildProject(join(folder, 'dist'));
  const env = toEnvironment(readConfig({ MODELFN_HOME: join(folder, 'home'), MODELFN_LOG_LEVEL: 'error' }));
  const bundles = new Map(built.map(({ name, bundle }) => [name, bundle]));
  const api = new ApiProcess({ functionName: 'api', bundle: bundles.get('api')!, env, log: silentLog });
  onTestFinished(() => api.close());
  for (const name of ['api', 'relay']) bundles.delete(name);
  const host = new FunctionHost({ bundles, workersPerFunction: 1, env, log: silentLog });
  onTestFinished(() => host.close());

  expect(host.functionNames).toEqual(
    expect.arrayContaining(['convert', 'evaluate', 'load', 'predict', 'save', 'train']),
  );
  for (const { name, eagerBytes, eagerFiles } of built) {
    expect(eagerBytes, name).toBeLessThan(300_000);
    expect(eagerFiles, name).toBeLessThanOrEqual(3);
  }
  for (const name of host.functionNames) {
    const answer = await host.invoke(name, describing(name));
    expect(isJsonObject(answer) && JSON.parse(String(answer.body)), name).toMatchObject({ function: name });
  }
  expect(await getJson(await api.socket(), '/api/v1/projects')).toEqual([]);
  // A filter on a document is asked in a thread, which finds its code in the bundle.
  const query = JSON.stringify({ filter: { description: { $exists: true } } });
  expect(await getJson(await api.socket(), '/api/v1/models/query', query)).toMatchObject({ items: [] });
});

/** `GET /api/v1/functions/<name>`, as API Gateway sends it. */
function describing(name: string) {
  const path = `/api/v1/functions/${name}`;
  return toHttpEvent({
    request: {
      method: 'GET',
      url: path,
      httpVersion: '1.1',
      headersDistinct: { host: ['localhost'] },
      socket: {},
    },
    body: Buffer.alloc(0),
    port: 80,
    routeKey: `ANY ${path}`,
    requestId: name,
    now: 0,
  });
}

async function getJson(socketPath: string, path: string, body?: string): Promise<unknown> {
  const headers = { host: 'localhost', 'content-type': 'application/json' };
  const sent = request({ socketPath, path, method: body === undefined ? 'GET' : 'POST', headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return JSON.parse(Buffer.concat(await response.toArray()).toString());
}
