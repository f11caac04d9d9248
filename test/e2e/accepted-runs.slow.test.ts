import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { readConfig } from '../../shared/config.ts';
import { type Execution, isFinished } from '../../shared/entities/execution.ts';
import { silentLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import type { Platform } from '../../shared/platform.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';

const ROOT = join(import.meta.dirname, '../..');
const SEED = Number(process.env.ACCEPTED_RUNS_SEED ?? freshSeed());
const ROUNDS = 6;
const RUNS_A_ROUND = 3;

/** Learns nothing for a second, so that a kill meets it. */
const ADAPTER = `
  import { readFile, writeFile } from 'node:fs/promises';
  import { setTimeout } from 'node:timers/promises';
  export class Slow {
    static defaults = {};
    static inputType = 'json';
    static outputType = 'class';
    maxBatchSize = 8;
    constructor({ configuration, labels }) { Object.assign(this, { configuration, labels }); }
    prepare() { return 1; }
    async train(_data, { signal }) { for (let step = 0; step < 20; step += 1) await setTimeout(50, undefined, { signal }); }
    predict(samples) { return samples.map(() => []); }
    save(directory) { return writeFile(directory + '/weights', 'learned'); }
    load(directory) { return readFile(directory + '/weights'); }
  }`;

interface Place {
  env: Record<string, string>;
  platform: Platform;
  /** A new snapshot to train. */
  snapshot(): Promise<string>;
}

async function openPlace(): Promise<Place> {
  const home = temporaryFolder();
  const code = temporaryFolder();
  await mkdir(code, { recursive: true });
  await writeFile(join(code, 'adapter.mjs'), ADAPTER);
  const env = {
    PATH: process.env.PATH ?? '',
    MODELFN_HOME: home,
    MODELFN_LOCAL_ROOTS: code,
    MODELFN_LEASE_SECONDS: '2',
    PORT: '0',
  };
  const platform = await openPlatform(readConfig(env), { log: silentLog });
  onTestFinished(() => platform.close());
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'p' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'd', projects: [project.id] });
  const entry = { path: '/a.json', bytes: Buffer.from('1'), label: 'a', partition: 'train' as const };
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, [entry], { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'm',
    projectId: project.id,
    entryPoint: 'adapter.mjs',
    className: 'Slow',
    codebase: { type: 'local', localPath: code },
  });
  let count = 0;
  const snapshot = async () => {
    count += 1;
    const made = { name: `s${count}`, projectId: project.id, modelId: model.id, datasetId: dataset.id };
    return (await createSnapshot(platform, LOCAL_ACTOR, made)).id;
  };
  return { env, platform, snapshot };
}

function modelfn(env: Record<string, string>, ...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(ROOT, 'cli/main.ts'), ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function startServer(env: Record<string, string>): Promise<{ url: string; kill(): Promise<void> }> {
  const child = modelfn(env, 'start', '--no-demo');
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /serving (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    const kill = async () => {
      child.kill('SIGKILL');
      await gone;
    };
    return { url, kill };
  }
  throw new Error('the server did not start');
}

/** Answers the execution's id once the server has accepted the run. */
async function accept(url: string, snapshot: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/functions/train`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: { snapshot } }),
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { executionId: string }).executionId;
}

async function untilEnded({ store }: Platform, ids: readonly string[]): Promise<Execution[]> {
  for (;;) {
    const rows = (await store.getMany('Execution', ids)).map(({ entity }) => entity);
    if (rows.length === ids.length && rows.every(isFinished)) return rows;
    await pause(200);
  }
}

describe('a run that was accepted', () => {
  it(`ends after its server was killed at any point, and none is lost (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const place = await openPlace();
    const ids: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const server = await startServer(place.env);
      for (let run = 0; run < RUNS_A_ROUND; run += 1) {
        ids.push(await accept(server.url, await place.snapshot()));
        await pause(random() * 300);
      }
      await pause(random() * 1_500);
      await server.kill();
    }

    const last = await startServer(place.env);
    const rows = await untilEnded(place.platform, ids);
    await last.kill();

    for (const { latestStatus, error, attempts, maxAttempts } of rows) {
      // A run that was killed with each of its attempts has failed, and says so.
      if (latestStatus.status === 'success') continue;
      expect(error).toMatchObject({ code: 'AttemptsExhausted' });
      expect(attempts).toBeGreaterThanOrEqual(maxAttempts);
    }
    const succeeded = rows.filter(({ latestStatus }) => latestStatus.status === 'success');
    expect(succeeded.length).toBeGreaterThanOrEqual(RUNS_A_ROUND);
    // A server that is killed between the end of a run and the release of its snapshot leaves the status behind; no living run may hold it.
    const busy = await place.platform.store.query('Snapshot', { filter: { status: 'training' } });
    for (const { run } of busy.items) if (run) expect(ids).toContain(run.executionId);
  });

  it('by a command that was killed is recorded as abandoned when a server starts', async () => {
    const place = await openPlace();
    const command = modelfn(place.env, 'train', await place.snapshot());
    const gone = new Promise((resolve) => command.once('exit', resolve));
    let ids: string[] = [];
    while (ids.length === 0) {
      await pause(50);
      ids = await place.platform.store.ids('Execution', {});
    }
    command.kill('SIGKILL');
    await gone;

    const server = await startServer(place.env);
    const [row] = await untilEnded(place.platform, ids);
    await server.kill();

    expect(row!.error).toMatchObject({ code: 'ExecutionAbandoned' });
  });
});
