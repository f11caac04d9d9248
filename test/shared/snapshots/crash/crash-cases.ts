import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { saveFunction } from '../../../../functions/save/save.ts';
import { trainFunction } from '../../../../functions/train/train.ts';
import { readConfig } from '../../../../shared/config.ts';
import type { Snapshot } from '../../../../shared/entities/snapshot.ts';
import type { SnapshotRevision } from '../../../../shared/entities/snapshot-revision.ts';
import { collectGarbage } from '../../../../shared/gc/collect-garbage.ts';
import { createContainer } from '../../../../shared/invoke/handler.ts';
import { canonicalJson, type JsonObject } from '../../../../shared/json.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openPlatform } from '../../../../shared/open-platform.ts';
import type { Platform } from '../../../../shared/platform.ts';
import { FileCache } from '../../../../shared/snapshots/files/file-cache.ts';
import { loadFiles } from '../../../../shared/snapshots/files/load-files.ts';
import { isProtocolKey, objectKey } from '../../../../shared/snapshots/files/manifest.ts';
import { ownBucketFolder } from '../../../../shared/state-folder.ts';
import { runInPlace } from '../../../support/run-function.ts';
import { tinyAdapters } from '../../../support/tiny-adapter.ts';
import { textsIn } from '../weights.ts';
import { DYING_RUN } from './dying-run.ts';

const DAY_MS = 24 * 3600 * 1000;

/** A run that is killed: on a copy of a state folder, at one boundary. */
export interface Scenario {
  work: 'save' | 'train' | 'gc' | 'slices';
  /** What it is told by, where a kind of work is met more than once. */
  name?: string;
  input: JsonObject;
  /** What the process takes for now, milliseconds since 1970. */
  now: number;
  snapshotId: string;
  /** Closed, and copied for each case. */
  template: string;
  /** Folder that the function may read beside its state folder. */
  readable: string;
  /** Texts by path of the revision there is, and of the one that the run makes. */
  before: Readonly<Record<string, string>>;
  after: Readonly<Record<string, string>>;
}

/** The programs of a case, bundled once. */
export interface Programs {
  hook: string;
  process: string;
  /** Where Node keeps the compiled bundles. */
  compileCache: string;
}

/** Bundles what a case runs: hundreds of processes start, each is to be ready in a moment. */
export async function bundlePrograms(outdir: string): Promise<Programs> {
  await build({
    entryPoints: {
      hook: join(import.meta.dirname, 'kill-at-boundary.ts'),
      process: join(import.meta.dirname, 'dying-process.ts'),
    },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    splitting: true,
    outExtension: { '.js': '.mjs' },
    external: ['sharp', '@img/*', 'esbuild'],
    logLevel: 'error',
  });
  return {
    hook: join(outdir, 'hook.mjs'),
    process: join(outdir, 'process.mjs'),
    compileCache: join(outdir, 'compiled'),
  };
}

/** Which calls of a process are boundaries: all of them, or those that change something. */
export type Boundaries = 'all' | 'changes';

/** How a process ended: killed, or by itself after so many boundaries. */
export type End = { killed: true } | { killed: false; boundaries: number };

/** Runs a scenario in a process that is killed ahead of boundary `killAt`; 0 lets it live. @throws when it fails by itself */
export async function runDying(
  programs: Programs,
  scenario: Scenario,
  home: string,
  killAt: number,
  count: Boundaries = 'all',
): Promise<End> {
  const { work, input, now } = scenario;
  await cp(scenario.template, home, { recursive: true });
  const child = spawn(
    process.execPath,
    ['--import', programs.hook, programs.process, work, JSON.stringify(input), String(now)],
    {
      env: {
        PATH: process.env.PATH,
        MODELFN_HOME: home,
        MODELFN_LOCAL_ROOTS: scenario.readable,
        MODELFN_LOG_LEVEL: 'silent',
        TMPDIR: home,
        NODE_COMPILE_CACHE: programs.compileCache,
        KILL_AT: String(killAt),
        COUNT: count,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal === 'SIGKILL') return { killed: true };
  const boundaries = /boundaries (\d+)/.exec(printed.join(''))?.[1];
  if (code !== 0 || boundaries === undefined)
    throw new Error(`the process ended with ${code ?? signal}: ${printed.join('')}`);
  return { killed: false, boundaries: Number(boundaries) };
}

/**
 * What has to hold after a kill, wherever it came; answers the revision that a reader found. In order: a reader sees the
 * old revision or the new one, whole; the same run again makes it the new one; gc frees all that is left over; every
 * revision is still whole.
 * @throws with a sentence on what does not hold
 */
export async function checkAftermath(scenario: Scenario, home: string): Promise<number> {
  let aheadMs = DAY_MS;
  const clock = { now: () => Date.now() + aheadMs };
  const config = readConfig({
    MODELFN_HOME: home,
    MODELFN_LOCAL_ROOTS: scenario.readable,
    MODELFN_LOG_LEVEL: 'silent',
  });
  const platform = await openPlatform(config, { clock, log: silentLog });
  try {
    const found = await readSnapshot(platform, scenario);
    const wanted = found.revision === 1 ? scenario.before : scenario.after;
    same(await textsOf(platform, found), wanted, `revision ${found.revision} as a reader finds it`);
    await checkRevisions(platform, scenario);
    if (scenario.work !== 'gc') await checkSecondRun(platform, scenario);
    aheadMs = 30 * DAY_MS;
    const { buckets } = await collectGarbage(platform, { free: true });
    same(
      buckets.filter(({ problem }) => problem !== null),
      [],
      'the problems of gc',
    );
    same(await strangersIn(platform, found), [], 'what gc left over');
    const { revision } = await readSnapshot(platform, scenario);
    same(await checkRevisions(platform, scenario), revision, 'the number of whole revisions');
    return found.revision;
  } finally {
    await platform.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** The same execution is taken up by another container: what was saved is not made again. */
async function checkSecondRun(platform: Platform, { work, input, ...scenario }: Scenario): Promise<void> {
  const container = createContainer(platform, tinyAdapters().builtIns);
  if (work === 'save') await runInPlace(container, saveFunction, input, DYING_RUN);
  else await runInPlace(container, trainFunction, input, DYING_RUN);
  const moved = await readSnapshot(platform, scenario);
  same(moved.revision, 2, 'the revision after the second run');
  same([moved.status, moved.run], ['trained', null], 'status and run after the second run');
  same(await textsOf(platform, moved), scenario.after, 'the files after the second run');
}

async function readSnapshot(
  { store }: Platform,
  { snapshotId }: Pick<Scenario, 'snapshotId'>,
): Promise<Snapshot> {
  return (await store.get('Snapshot', snapshotId))!;
}

/** Loads every recorded revision, each file verified; answers how many there are. */
async function checkRevisions(platform: Platform, scenario: Scenario): Promise<number> {
  const { items } = await platform.store.query('SnapshotRevision', {
    filter: { snapshotId: scenario.snapshotId },
  });
  for (const { revision, bucket, weights } of items) {
    const texts = await textsOf(platform, { ...(await readSnapshot(platform, scenario)), bucket, weights });
    same(texts, revision === 1 ? scenario.before : scenario.after, `the files of revision ${revision}`);
  }
  return items.length;
}

/** The files a reader without a cache gets. */
async function textsOf(
  platform: Platform,
  snapshot: Pick<Snapshot, 'id' | 'projectId' | 'bucket' | 'weights'>,
): Promise<Record<string, string>> {
  const cache = new FileCache({ directory: join(platform.config.home, 'reader'), maxBytes: 0 });
  const { directory, release } = await loadFiles({
    bucket: await platform.openBucket(snapshot, snapshot.bucket),
    weights: snapshot.weights,
    cache,
    snapshotId: snapshot.id,
  });
  const texts = await textsIn(directory);
  release();
  await rm(join(platform.config.home, 'reader'), { recursive: true, force: true });
  return texts;
}

/** Files in the snapshot's folder that no revision has, unfinished ones included. */
async function strangersIn(platform: Platform, { id }: Snapshot): Promise<string[]> {
  const folder = ownBucketFolder(platform.config.home, id);
  const wanted = new Set<string>();
  for (const { weights } of (await platform.store.query('SnapshotRevision', {}))
    .items as SnapshotRevision[]) {
    wanted.add(weights.manifestKey);
    const manifest = JSON.parse(await readFile(join(folder, weights.manifestKey), 'utf8')) as {
      files: { sha256: string }[];
    };
    for (const { sha256 } of manifest.files) wanted.add(objectKey(sha256));
  }
  const keys = (await readdir(folder, { withFileTypes: true, recursive: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return keys.filter((key) => !(isProtocolKey(key) && wanted.has(key)));
}

function same(found: unknown, wanted: unknown, what: string): void {
  const [left, right] = [canonicalJson(found), canonicalJson(wanted)];
  if (left !== right) throw new Error(`${what}: found ${left}, wanted ${right}`);
}
