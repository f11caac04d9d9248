import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDigits } from '../../../cli/demo/digits.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { readConfig } from '../../../shared/config.ts';
import { canonicalJson, type JsonObject } from '../../../shared/json.ts';
import { silentLog } from '../../../shared/log.ts';
import { openPlatform } from '../../../shared/open-platform.ts';
import { freshSeed } from '../../support/seeded-random.ts';
import { openTestPlatform } from '../../support/test-platform.ts';
import { bundlePrograms, type Programs, type Scenario } from './crash/crash-cases.ts';
import { killEverywhere } from './crash/kill-everywhere.ts';
import { type Pace, trainToEnd } from './crash/slices.ts';

const DAY_MS = 24 * 3600 * 1000;
/** What the killed process takes for now; its lease has ended long since when the next one comes. */
const NOW = Date.UTC(2026, 0, 31);

interface Trainee {
  entryPoint: string;
  className: string;
  configuration: JsonObject;
  /** Digits it trains on. */
  rows: number;
  /** Two or three slices come of it. */
  pace: Pace;
}

const SOFTMAX: Trainee = {
  entryPoint: 'modelfn/softmax',
  className: 'SoftmaxAdapter',
  configuration: {},
  rows: 6,
  pace: { tickMs: 10_000, looks: 20 },
};
const SVM: Trainee = {
  entryPoint: 'modelfn/svm',
  className: 'SvmAdapter',
  configuration: { kernel: 'rbf', C: 10, gamma: 0.001 },
  rows: 100,
  pace: { tickMs: 60_000, looks: 6 },
};

/** All of them take minutes: for those, `TEST_EVERY_KILL=1`. Else which ones is another draw in each run. */
const STRIDE = process.env.TEST_EVERY_KILL === '1' ? 1 : 8;
const SEED = freshSeed();
const FIRST = 1 + (SEED % STRIDE);

const UNCUT: Pace = { tickMs: 0, looks: 0 };

let folder: string;
let programs: Programs;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelfn-slices-'));
  programs = await bundlePrograms(join(folder, 'programs'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a training in slices whose process is killed ahead of a call that changes something', () => {
  it.each([
    ['a training by gradients', SOFTMAX],
    ['the SVM', SVM],
  ])(
    '%s comes to the weights and the curve of one that was never cut, wherever it was',
    { timeout: 600_000 },
    async (_what, trainee) => {
      console.log(`kills: seed ${SEED}, every ${STRIDE}th from the ${FIRST}th`);
      const scenario = await slicesOf(trainee);
      const uncut = await finish(scenario, await copyOf(scenario, 'uncut'), UNCUT);

      const check = (home: string) => finish(scenario, home, trainee.pace);
      const plan = { folder, count: 'changes', check, stride: STRIDE, first: FIRST } as const;
      const { killed, found } = await killEverywhere(programs, scenario, plan);

      expect(killed).toBeGreaterThan(100 / STRIDE);
      expect([...found]).toEqual([uncut]);
    },
  );
});

/** Takes the training up in another process, a day later, to its end; answers its files and points. */
async function finish(scenario: Scenario, home: string, pace: Pace): Promise<string> {
  const config = readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'silent' });
  const platform = await openPlatform(config, { clock: { now: () => NOW + DAY_MS }, log: silentLog });
  try {
    const { pace: _killed, ...input } = scenario.input;
    await trainToEnd(platform, input, pace);
    const { items: revisions } = await platform.store.query('SnapshotRevision', {});
    const [revision, ...others] = revisions;
    const { files } = JSON.parse(revision!.manifest!) as { files: unknown };
    const bucket = await platform.openBucket(
      { id: scenario.snapshotId, projectId: revision!.projectId },
      revision!.bucket,
    );
    const left = await Array.fromAsync(bucket.list('checkpoints/'));
    expect([others, left]).toEqual([[], []]);
    const { items } = await platform.store.query('MetricSample', { pageSize: 10_000 });
    return canonicalJson({
      files: files as JsonObject,
      points: items.map(({ figure, legend, x, y }) => canonicalJson([figure, legend, x, y])).sort(),
    });
  } finally {
    await platform.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function copyOf(scenario: Scenario, name: string): Promise<string> {
  const home = join(folder, `${scenario.name}-${name}`);
  await cp(scenario.template, home, { recursive: true });
  return home;
}

/** A snapshot that was never trained, on digits as lists of numbers. */
async function slicesOf({ rows, pace, ...trainee }: Trainee): Promise<Scenario> {
  const platform = await openTestPlatform();
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'slices' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'digits', projects: [project.id] });
  const digits = (await readDigits()).filter(({ split }) => split === 'train').slice(0, rows);
  const entries = digits.map(({ label, pixels }, index) => ({
    path: `/train/${String(index).padStart(3, '0')}.json`,
    bytes: new TextEncoder().encode(JSON.stringify(pixels.map((value) => value / 16))),
    label,
    partition: 'train' as const,
  }));
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, entries, { mode: 'skip' });
  const inProject = { projectId: project.id, name: 'first' };
  const { id: modelId } = await createModel(platform, LOCAL_ACTOR, { ...inProject, ...trainee });
  const { id } = await createSnapshot(platform, LOCAL_ACTOR, {
    ...inProject,
    modelId,
    datasetId: dataset.id,
  });
  const template = join(folder, `${trainee.className}-template`);
  await platform.store.close();
  await cp(platform.config.home, template, { recursive: true });
  await platform.close();
  const nothing = { before: {}, after: {}, readable: folder };
  const input = { snapshot: id, seed: 7, pace: { ...pace } };
  return {
    work: 'slices',
    name: trainee.className,
    input,
    now: NOW,
    snapshotId: id,
    template,
    ...nothing,
  };
}
