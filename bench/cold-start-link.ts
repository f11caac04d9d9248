import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuiltFunction, buildFunctions } from '../cli/local/build.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { createDataset } from '../shared/catalog/datasets.ts';
import { uploadItems } from '../shared/catalog/item-import.ts';
import { createModel } from '../shared/catalog/models.ts';
import { createProject } from '../shared/catalog/projects.ts';
import { createSnapshot } from '../shared/catalog/snapshots.ts';
import { readConfig } from '../shared/config.ts';
import { openPlatform } from '../shared/open-platform.ts';
import { commitWeights } from '../shared/snapshots/commit-weights.ts';
import { PART_BYTES } from '../shared/snapshots/files/fetch-parts.ts';
import { FileCache } from '../shared/snapshots/files/file-cache.ts';
import { loadFiles } from '../shared/snapshots/files/load-files.ts';
import { objectKey } from '../shared/snapshots/files/manifest.ts';
import { MAX_REQUESTS, RequestBudget } from '../shared/snapshots/files/request-budget.ts';
import { firstAnswer } from './cold-start.ts';
import { WEIGHTS_FILE } from './link/bytes-adapter.ts';
import { type ServerProcess, startServer } from './link/child.ts';
import { openPlaces, type Place } from './link/places.ts';
import { writeRandomFiles } from './link/random-files.ts';
import { rawDownload } from './link/raw-transfer.ts';
import { scratchFolder } from './link/scratch-folder.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';
import { ROOT } from './workspace.ts';

const WEIGHT_BYTES = 100_000_000;
const BITS_PER_SECOND = 1e9;
const ROUND_TRIP_MS = 30;
const IDEAL_MS = (WEIGHT_BYTES * 8 * 1000) / BITS_PER_SECOND;
const AIM_MS = 1.15 * IDEAL_MS + 150;
const ROUNDS = 7;
const PART_MEGABYTES = [4, 8, 16, 32];
const CONNECTIONS = [4, 8, 16, 32];
const CHOICE_ROUNDS = 2;

const IN_THE_WAY =
  "Where the time goes, of a median of 1,190: 52 until Node has opened the bundle, 22 until platform, call and snapshot are there, 22 until the driver is, 76 until the first byte (a connection and a request), 910 until the last, 800 of which is the line's own and some 100 TCP finding its pace, 68 until the adapter has read its 100 MB, 40 for prediction, record and answer. Tried, and kept: a short manifest comes with the revision from the store instead of from the bucket (75 less), the bundle in chunks as it is deployed. Tried, and left: more connections or smaller parts (below), as two cores carry client, line and server. Next: connections that are opened while Node still reads the bundle, which takes knowing the bucket before the store is asked.";

/** How long from the start of a process to its first prediction when 100 MB of weights come over a line of 1 Gbit/s? */
export async function coldStartOverLink(): Promise<string> {
  const sections: string[] = [];
  for (const place of await openPlaces()) {
    const link = await startServer('link/shaped-link.ts', place.server.port, BITS_PER_SECOND, ROUND_TRIP_MS);
    const home = await scratchFolder();
    try {
      sections.push(await measure(place, link, home));
    } finally {
      await link.close();
      await place.server.close();
      await rm(home, { recursive: true, force: true });
    }
  }
  return [
    '## Cold start over a line',
    `${WEIGHT_BYTES / 1e6} MB of weights over 1 Gbit/s with a round trip of ${ROUND_TRIP_MS} ms. The line is bench/link/shaped-link.ts, a process between client and server that paces bytes, delays them, and starts each connection as slowly as TCP does (this kernel has no netem). Bytes over bandwidth: ${IDEAL_MS} ms. Aim: at most 1.15 times that and 150 ms, ${AIM_MS} ms. Median and middle half of ${ROUNDS} interleaved rounds.`,
    ...sections,
    IN_THE_WAY,
  ].join('\n\n');
}

async function measure(place: Place, link: ServerProcess, home: string): Promise<string> {
  const saved = await prepare(place, home);
  const script = await bundledScript(place, saved, link.origin);
  const times: Record<string, number[]> = { first: [], raw: [], rawOne: [], load: [] };
  const take = async (name: string, work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    times[name]!.push(performance.now() - started);
  };
  const url = place.urlOf(link.origin, objectKey(saved.weights.sha256));
  for (let round = 0; round < ROUNDS; round += 1) {
    await rm(join(home, 'cache'), { recursive: true, force: true });
    times.first!.push(await firstAnswer(script, home, place.spec && { STORAGE_EMULATOR_HOST: link.origin }));
    await take('rawOne', () => rawDownload([url], 1));
    times.load!.push(
      await loadOnce(place, link, home, saved, { partBytes: PART_BYTES, requests: MAX_REQUESTS }),
    );
  }
  const rows = [
    ['process start to first prediction', 'first'],
    ['load alone, in a process that runs', 'load'],
    ['one plain GET, bytes dropped', 'rawOne'],
  ].map(([name, key]) => {
    const spread = spreadOf(times[key!]!);
    return [name!, shown(spread, 0), (spread.median / IDEAL_MS).toFixed(2)];
  });
  return [
    `### ${place.name}`,
    markdownTable(['', 'ms', 'over bytes / bandwidth'], rows),
    ...(place.spec === undefined ? [await choice(place, link, home, saved)] : []),
  ].join('\n\n');
}

/** The figures that `PART_BYTES` and `MAX_REQUESTS` were chosen by. */
async function choice(place: Place, link: ServerProcess, home: string, saved: Saved): Promise<string> {
  const cells = new Map<string, number[]>();
  for (let round = 0; round < CHOICE_ROUNDS; round += 1)
    for (const part of PART_MEGABYTES)
      for (const requests of CONNECTIONS) {
        const ms = await loadOnce(place, link, home, saved, { partBytes: part * 2 ** 20, requests });
        const name = `${part} ${requests}`;
        cells.set(name, [...(cells.get(name) ?? []), ms]);
      }
  return [
    `Milliseconds of the load alone by size of part and requests at once, median of ${CHOICE_ROUNDS}; taken: ${PART_BYTES / 2 ** 20} MiB and ${MAX_REQUESTS}.`,
    markdownTable(
      ['part', ...CONNECTIONS.map((count) => `${count} requests`)],
      PART_MEGABYTES.map((part) => [
        `${part} MiB`,
        ...CONNECTIONS.map((count) => spreadOf(cells.get(`${part} ${count}`)!).median.toFixed(0)),
      ]),
    ),
  ].join('\n\n');
}

interface Saved {
  snapshotId: string;
  itemId: string;
  manifestKey: string;
  manifestSha256: string;
  weights: { sha256: string };
}

/** A load with new connections into an empty cache. */
async function loadOnce(
  place: Place,
  link: ServerProcess,
  home: string,
  weights: Saved,
  { partBytes, requests }: { partBytes: number; requests: number },
): Promise<number> {
  const directory = join(home, 'other-cache');
  const { bucket, close } = await place.open(join(home, 'other'), link.origin);
  const line = { partBytes, requests: new RequestBudget(requests) };
  const cache = new FileCache({ directory, maxBytes: 2 ** 40, line });
  const started = performance.now();
  await loadFiles({ bucket, cache, weights, snapshotId: weights.snapshotId });
  const elapsed = performance.now() - started;
  await cache.trim();
  await close();
  await rm(directory, { recursive: true, force: true });
  return elapsed;
}

/** A snapshot with its weights in the place's bucket, sent past the link, and an item to predict. */
async function prepare(place: Place, home: string): Promise<Saved> {
  const origin = place.server.origin;
  const { bucket, close } = await place.open(join(home, 'prepare'), origin);
  const platform = await openPlatform(readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'error' }), {
    openBucket: async () => bucket,
  });
  try {
    const project = await createProject(platform, LOCAL_ACTOR, { name: 'bench' });
    const inProject = { projectId: project.id };
    const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'bench', projects: [project.id] });
    const item = { path: '/one.txt', bytes: new TextEncoder().encode('one'), label: 'one' };
    await uploadItems(platform, LOCAL_ACTOR, dataset.id, [item], { mode: 'skip' });
    const model = await createModel(platform, LOCAL_ACTOR, {
      ...inProject,
      name: 'bytes',
      entryPoint: 'modelfn/bytes',
      className: 'BytesAdapter',
    });
    const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
      ...inProject,
      name: 'bytes',
      modelId: model.id,
      datasetId: dataset.id,
      ...(place.spec && { bucket: place.spec }),
    });
    const directory = join(home, 'weights');
    const [file] = await writeRandomFiles(directory, { count: 1, sizeBytes: WEIGHT_BYTES });
    if (file!.name !== WEIGHTS_FILE) throw new Error(`${file!.name} is not ${WEIGHTS_FILE}`);
    const { saved } = await commitWeights(platform, snapshot, {
      source: directory,
      lineage: {},
      actor: LOCAL_ACTOR,
      executionId: platform.ids.objectId(),
    });
    const { items } = await platform.store.query('Item', { filter: { type: 'file' } });
    const { manifestKey, manifestSha256, files } = saved;
    return { snapshotId: snapshot.id, itemId: items[0]!.id, manifestKey, manifestSha256, weights: files[0]! };
  } finally {
    await platform.close();
    await close();
  }
}

/** The predict function as it is deployed, with an adapter that reads weights of any size. */
async function bundledScript(place: Place, { snapshotId, itemId }: Saved, origin: string): Promise<string> {
  const folder = join(ROOT, 'node_modules', '.cache', 'modelfn-bench', `over-${place.spec?.type ?? 'http'}`);
  const source = join(folder, 'functions', 'predict');
  await mkdir(source, { recursive: true });
  const from = (path: string) => JSON.stringify(join(ROOT, path));
  const overrides =
    place.spec === undefined
      ? `{ openBucket: async () => new GuardedBucket(new HttpBucket(${JSON.stringify(origin)})) }`
      : '{}';
  await writeFile(
    join(source, 'handler.ts'),
    `
    import { predictFunction } from ${from('functions/predict/predict.ts')};
    import { GuardedBucket } from ${from('shared/buckets/guarded-bucket.ts')};
    import { readConfig } from ${from('shared/config.ts')};
    import { createHandler } from ${from('shared/invoke/handler.ts')};
    import { openPlatform } from ${from('shared/open-platform.ts')};
    import { bytesAdapters } from ${from('bench/link/bytes-adapter.ts')};
    import { HttpBucket } from ${from('bench/link/http-bucket.ts')};
    export const handler = createHandler(predictFunction, bytesAdapters, () => openPlatform(readConfig(), ${overrides}));
  `,
  );
  const [{ bundle }] = (await buildFunctions({
    root: folder,
    outdir: join(folder, 'dist'),
    clean: true,
  })) as [BuiltFunction];
  const script = join(folder, 'first-call.mjs');
  await writeFile(
    script,
    `
    const { handler } = await import(${JSON.stringify(bundle)});
    const inputs = { snapshot: { snapshot_id: ${JSON.stringify(snapshotId)} }, item: { item_id: ${JSON.stringify(itemId)} } };
    const output = await handler({ inputs });
    console.log(output.predictions[0].annotations[0].label, JSON.stringify(output.timings), process.uptime());
    process.exit(0);
  `,
  );
  return script;
}
