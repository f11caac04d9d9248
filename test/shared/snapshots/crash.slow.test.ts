import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveFunction } from '../../../functions/save/save.ts';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openPath } from '../../support/test-platform.ts';
import { openTinyWorkspace } from '../../support/tiny-workspace.ts';
import {
  type Boundaries,
  bundlePrograms,
  checkAftermath,
  type Programs,
  type Scenario,
} from './crash/crash-cases.ts';
import { killEverywhere } from './crash/kill-everywhere.ts';
import { save, writeFiles } from './weights.ts';

/** The longest takes half a minute on two idle cores. */
const TIMEOUT_MS = 300_000;

/** What the killed process takes for now; its lease has ended long since when the next one comes. */
const NOW = Date.UTC(2026, 0, 31);

const BEFORE = { 'means.json': '{"low":1,"high":9}', 'labels.txt': 'low high' };
const AFTER = { 'means.json': '{"low":2,"high":12}', 'labels.txt': 'low high', 'extra/notes.txt': 'new' };

let folder: string;
let programs: Programs;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelfn-crash-'));
  programs = await bundlePrograms(join(folder, 'programs'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a process killed by SIGKILL ahead of any call to disk or store', () => {
  it(
    'in the save function leaves the old revision or the new one, and the next run succeeds',
    async () => {
      const { killed, revisions } = await revisionsAfterKills(await saveScenario());

      expect(killed).toBeGreaterThan(100);
      expect(revisions).toEqual(new Set([1, 2]));
    },
    TIMEOUT_MS,
  );

  it(
    'in the train function, where it changes something, leaves the old revision or the new one, and the next run succeeds',
    async () => {
      const { killed, revisions } = await revisionsAfterKills(await trainScenario(), 'changes');

      expect(killed).toBeGreaterThan(40);
      expect(revisions).toEqual(new Set([1, 2]));
    },
    TIMEOUT_MS,
  );

  it(
    'in gc, where it changes something, leaves every revision whole, and the next gc frees the rest',
    async () => {
      const { killed, revisions } = await revisionsAfterKills(await gcScenario(), 'changes');

      expect(killed).toBeGreaterThan(15);
      expect(revisions).toEqual(new Set([1]));
    },
    TIMEOUT_MS,
  );
});

/** Kills everywhere; answers the revisions that readers found. */
async function revisionsAfterKills(scenario: Scenario, count: Boundaries = 'all') {
  const check = (home: string) => checkAftermath(scenario, home);
  const { killed, found } = await killEverywhere(programs, scenario, { folder, count, check });
  return { killed, revisions: found };
}

async function saveScenario(): Promise<Scenario> {
  const directory = await writeFiles(join(folder, 'upload'), AFTER);
  const { template, snapshotId } = await makeTemplate('save');
  const input = { snapshot: snapshotId, directory };
  return {
    work: 'save',
    input,
    now: NOW,
    snapshotId,
    template,
    readable: folder,
    before: BEFORE,
    after: AFTER,
  };
}

async function trainScenario(): Promise<Scenario> {
  const { template, snapshotId } = await makeTemplate('train');
  const input = { snapshot: snapshotId };
  const after = { 'means.json': '{"low":2,"high":12}' };
  return { work: 'train', input, now: NOW, snapshotId, template, readable: folder, before: BEFORE, after };
}

/** A snapshot with leftovers of two saves beside its revision, all of them old by then. */
async function gcScenario(): Promise<Scenario> {
  const { template, snapshotId } = await makeTemplate('gc', async (bucket, snapshotId) => {
    for (const revision of [2, 3])
      await save(bucket, { left: `behind ${revision}`, more: 'of it' }, revision, { snapshotId });
  });
  const now = Date.now() + 30 * 24 * 3600 * 1000;
  return { work: 'gc', input: {}, now, snapshotId, template, readable: folder, before: BEFORE, after: AFTER };
}

/** A state folder with a snapshot at revision 1, closed. */
async function makeTemplate(
  name: string,
  prepare: (bucket: Bucket, snapshotId: string) => Promise<void> = async () => {},
): Promise<{ template: string; snapshotId: string }> {
  const space = await openTinyWorkspace();
  const { home } = space.platform.config;
  const directory = await writeFiles(openPath(space.platform, 'first'), BEFORE);
  await runInPlace(space.container, saveFunction, { snapshot: space.snapshot.id, directory });
  const { snapshot } = space;
  await prepare(await space.platform.openBucket(snapshot, snapshot.bucket), snapshot.id);
  const template = join(folder, `${name}-template`);
  await space.platform.store.close();
  await mkdir(template);
  await cp(home, template, { recursive: true });
  await space.platform.close();
  return { template, snapshotId: space.snapshot.id };
}
