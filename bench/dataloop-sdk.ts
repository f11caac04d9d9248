import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { builtInAdapters } from '../adapters/registry.ts';
import { predictFunction } from '../functions/predict/predict.ts';
import { trainFunction } from '../functions/train/train.ts';
import { API_PATH, createApp } from '../shared/api/app.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { createDataset } from '../shared/catalog/datasets.ts';
import { uploadItems } from '../shared/catalog/item-import.ts';
import { createModel } from '../shared/catalog/models.ts';
import { createProject } from '../shared/catalog/projects.ts';
import { createSnapshot } from '../shared/catalog/snapshots.ts';
import { readConfig } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import type { FunctionSpec, InputSpecs } from '../shared/invoke/function-spec.ts';
import { createContainer } from '../shared/invoke/handler.ts';
import { invoke } from '../shared/invoke/invoke.ts';
import type { JsonObject } from '../shared/json.ts';
import { openPlatform } from '../shared/open-platform.ts';
import type { Platform } from '../shared/platform.ts';
import { markdownTable, type Spread, spreadOf } from './statistics.ts';

const ITEMS = 64;
const ROUNDS = 5;
const SIZES = { '64 x 64': [64, 64], '224 x 224': [224, 224], '640 x 480': [640, 480] } as const;
const TITLE = "## Predictions beside Dataloop's SDK";
const CODE = join(import.meta.dirname, '..', 'examples', 'dataloop-adapter', 'model.py');

/**
 * A dataset predicted end to end (bytes fetched, images decoded, predicted, written back): the predict function beside
 * `predict_items` of the SDK, with the same class, weights, Python, store and items.
 */
export async function dataloopSdk(): Promise<string> {
  const { python } = readConfig();
  const version = await promisify(execFile)(
    python.command,
    ['-c', 'import dtlpy, PIL; dtlpy.Snapshot; print(dtlpy.__version__)'],
    { env: { ...python.environment, HOME: tmpdir() } },
  ).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => new Error(messageOf(error)),
  );
  if (version instanceof Error)
    return `${TITLE}\n\nNot measured: MODELFN_PYTHON names no Python with dtlpy 1.61.17 and Pillow.`;
  const rows: string[][] = [];
  for (const [name, [width, height]] of Object.entries(SIZES))
    rows.push(...(await compare(name, width, height)));
  return [
    TITLE,
    `${ITEMS} JPEG images predicted end to end: bytes fetched, decoded, predicted, written back. The class of examples/dataloop-adapter on both sides, in the same Python with dtlpy ${version}; the SDK asks the API over loopback, the function runs beside the store, its class in a Python process of its own. Milliseconds an image, median of ${ROUNDS} interleaved rounds and middle half. Aim: five times as fast.`,
    markdownTable(['image', 'by', 'ms an image', 'ratio'], rows),
    'The function replaces earlier predictions; `predict_items` adds to them unless it is told to clean up, which is one more request an image. Requests are what costs the SDK most; the larger the image, the more of the time is decoding, which is the same on both sides. Tried, and kept: images of the next batch decoded while one is predicted, its array of float filled again instead of made anew, and a class that adds up rows of pixels, not pixels (5.2 to 0.3 ms for 640 x 480, on both sides).',
  ].join('\n\n');
}

async function compare(name: string, width: number, height: number): Promise<string[][]> {
  const home = await mkdtemp(join(tmpdir(), 'modelfn-bench-sdk-'));
  const bench = await openBench(home, width, height);
  try {
    const times = { ours: [] as number[], add: [] as number[], replace: [] as number[] };
    for (let round = -1; round < ROUNDS; round += 1) {
      const [ours, add, replace] = [
        await bench.ours(),
        await bench.theirs('add'),
        await bench.theirs('replace'),
      ];
      if (round < 0) continue;
      times.ours.push(ours);
      times.add.push(add);
      times.replace.push(replace);
    }
    const ours = spreadOf(times.ours);
    const row = (by: string, spread: Spread) => [
      ...[name, by, shownMs(spread)],
      `${(spread.median / ours.median).toFixed(1)}`,
    ];
    return [
      row('predict function', ours),
      row('predict_items', spreadOf(times.add)),
      row('predict_items, cleanup', spreadOf(times.replace)),
    ];
  } finally {
    await bench.close();
    await rm(home, { recursive: true, force: true });
  }
}

function shownMs({ median, low, high }: Spread): string {
  const ms = (seconds: number) => ((seconds * 1000) / ITEMS).toFixed(2);
  return `${ms(median)} (${ms(low)} - ${ms(high)})`;
}

/** Both sides on one store; each answers the seconds that all items took. */
async function openBench(home: string, width: number, height: number) {
  const code = join(home, 'code');
  await mkdir(code);
  await cp(CODE, join(code, 'model.py'));
  const platform = await openPlatform({
    ...readConfig(),
    home: join(home, 'state'),
    logLevel: 'error',
    localRoots: [code],
  });
  const container = createContainer(platform, builtInAdapters);
  const { snapshot, dataset } = await fill(platform, code, width, height);
  const run = async <S extends InputSpecs>(spec: FunctionSpec<S>, input: JsonObject) => {
    const call = { functionName: spec.name, input, caller: 'cli', actor: LOCAL_ACTOR } as const;
    const outcome = await invoke(container, spec, call);
    if (outcome.output === undefined) throw outcome.error;
    return outcome.output;
  };
  await run(trainFunction, { snapshot: snapshot.id });
  const trained = (await platform.store.get('Snapshot', snapshot.id))!;
  const { bucket, weights } = trained;
  const files = await container.loaded.fetch({ bucket, owner: trained, weights });
  const server = createServer(
    createApp({
      platform,
      actorOf: () => LOCAL_ACTOR,
      baseUrlOf: (request) => `http://${request.get('host')}${API_PATH}`,
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await logIn(home, origin);
  const sdk = spawn(
    platform.config.python.command,
    [join(import.meta.dirname, 'predict_items.py'), code, files.directory, snapshot.id],
    {
      cwd: home,
      env: { ...platform.config.python.environment, HOME: home, DATALOOP_PATH: home, TQDM_DISABLE: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: sdk.stdout })[Symbol.asyncIterator]();
  const answer = async () => Number((await lines.next()).value);
  if ((await answer()) !== ITEMS) throw new Error('the SDK sees other items than were made');
  return {
    ours: async () => {
      const started = performance.now();
      const { annotations, failed } = await run(predictFunction, {
        snapshot: snapshot.id,
        items: { dataset: dataset.id, filter: {} },
      });
      if (annotations !== ITEMS)
        throw new Error(`predicted ${annotations}, failed ${JSON.stringify(failed)}`);
      return (performance.now() - started) / 1000;
    },
    theirs: async (how: 'add' | 'replace') => {
      sdk.stdin.write(`${how}\n`);
      return answer();
    },
    close: async () => {
      const ended = once(sdk, 'exit');
      sdk.stdin.end();
      await ended;
      server.closeAllConnections();
      server.close();
      files.release();
      await platform.close();
    },
  };
}

/** Noise in a colour of its own for each label: some labelled to learn from, all to be predicted. */
async function fill(platform: Platform, localPath: string, width: number, height: number) {
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'bench' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'images', projects: [project.id] });
  const entries = await Promise.all(
    Array.from({ length: ITEMS }, async (_, index) => {
      const label = ['dark', 'light'][index % 2]!;
      const noise = { type: 'gaussian', mean: index % 2 === 0 ? 60 : 190, sigma: 25 } as const;
      const bytes = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
        .jpeg()
        .toBuffer();
      const path = `/${String(index).padStart(3, '0')}.jpg`;
      return index < 8 ? { path, bytes, label, partition: 'train' as const } : { path, bytes };
    }),
  );
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, entries, { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'colours',
    projectId: project.id,
    entryPoint: 'model.py',
    outputType: 'class',
    codebase: { type: 'local', localPath },
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'colours',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
  });
  return { dataset, snapshot };
}

/** The SDK looks into a token for an email and an end; nobody here checks it. */
async function logIn(folder: string, origin: string): Promise<void> {
  const url = `${origin}${API_PATH}`;
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ email: LOCAL_ACTOR.email, exp: 9e9 })}.e30`;
  const environment = { alias: 'local', gate_url: origin, token, verify_ssl: true };
  await writeFile(
    join(folder, 'cookie.json'),
    JSON.stringify({ url, login_parameters: { [url]: environment } }),
  );
}
