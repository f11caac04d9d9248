import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildProject } from '../../support/project-build.ts';
import { temporaryFolder } from '../local/fixture-functions.ts';
import { send } from '../local/open-gateway.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** A name that an ingress calls the container by. */
const OUTSIDE = { host: 'modelfn.example.org' };

describe('the process that the container image starts', () => {
  it('serves functions, entities and CloudEvents to any host name, and ends in good order', {
    timeout: 120_000,
  }, async () => {
    const { process: server, port } = await start();

    const health = await send(port, '/healthz', { headers: OUTSIDE });
    const described = await send(port, '/api/v1/functions/predict', { headers: OUTSIDE });
    const created = await send(port, '/api/v1/projects', {
      method: 'POST',
      headers: { ...OUTSIDE, 'content-type': 'application/json' },
      body: '{"name":"in-a-container"}',
    });
    const event = await send(port, '/api/v1/functions/predict', {
      method: 'POST',
      headers: { ...OUTSIDE, ...CLOUD_EVENT },
      body: JSON.stringify({
        id: 'e1',
        resource: 'Item',
        action: 'Created',
        resourceId: 'i1',
        datasetId: null,
        projectId: 'p1',
      }),
    });
    const wrong = await send(port, '/api/v1/functions/predict', {
      method: 'POST',
      headers: { ...OUTSIDE, ...CLOUD_EVENT },
      body: '{}',
    });
    server.kill('SIGTERM');
    const [code] = (await once(server, 'exit')) as [number | null];

    expect(health.status).toBe(200);
    expect(described.json()).toMatchObject({ function: 'predict' });
    expect(created.json()).toMatchObject({ name: 'in-a-container' });
    expect(event.status).toBe(204);
    expect(wrong.status).toBe(400);
    expect(code).toBe(0);
  });

  it('tells why it cannot start and ends', async () => {
    const server = run(await temporaryFolder(), { PORT: 'many' });
    let said = '';
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });

    const [code] = (await once(server, 'close')) as [number | null];

    expect(code).toBe(1);
    expect(said).toContain('PORT="many": takes a port');
  });

  it('is what the Dockerfile names, on the files that it copies', async () => {
    const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');

    expect(text).toContain('CMD ["node", "cli/container/main.ts"]');
    expect(text).toMatch(/^USER node$/m);
    for (const folder of ['adapters', 'cli', 'functions', 'shared', 'dist', 'node_modules'])
      expect(text).toContain(`COPY --from=build --chown=root:root /app/${folder} ./${folder}`);
    expect(await readFile(join(ROOT, '.dockerignore'), 'utf8')).toMatch(/^\.modelfn$/m);
  });
});

const CLOUD_EVENT = {
  'ce-specversion': '1.0',
  'ce-id': 'c1',
  'ce-source': '/test',
  'ce-type': 'modelfn.item.created',
  'content-type': 'application/json',
};

async function start(): Promise<{ process: ChildProcess; port: number }> {
  const folder = await temporaryFolder();
  const dist = join(folder, 'dist');
  await buildProject(dist, ['api', 'predict']);
  const port = await freePort();
  const child = run(dist, { PORT: String(port), HOST: '0.0.0.0', MODELFN_HOME: join(folder, 'home') });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (line.includes('"message":"listening"')) resolve();
  });
  child.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  await promise;
  return { process: child, port };
}

/** The image's port is fixed; 0 would be told in the log alone. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function run(dist: string, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [join(ROOT, 'cli/container/main.ts'), dist], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
