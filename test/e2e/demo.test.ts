import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../shared/config.ts';
import type { Item } from '../../shared/entities/item.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEMO_MS = 120_000;

/** `npm run demo -- --json FILE` without npm: the real command in a process of its own, with its real server and workers. */
async function runDemo(home: string, file: string): Promise<{ stderr: string; report: Report }> {
  const { stderr } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'cli', 'main.ts'), 'demo', '--json', file],
    { cwd: ROOT, env: { ...process.env, MODELFN_HOME: home, NO_COLOR: '1' } },
  );
  return { stderr, report: JSON.parse(await readFile(file, 'utf8')) as Report };
}

interface Report {
  dataset: { id: string };
  snapshot: { id: string; manifestSha256: string };
  train: { items: number; supportVectors: number };
  test: { items: number; accuracy: number };
  callers: Record<'http' | 'event' | 'pipeline', { digest: string; annotations: number }>;
  coldMs: number;
  warmMs: number;
}

it('the demo trains on real digits, predicts by all three callers as scikit-learn does, and is not done twice', {
  timeout: DEMO_MS,
}, async () => {
  const folder = temporaryFolder();
  const home = join(folder, 'home');
  const expected = await sklearnOnDigits();

  const { report } = await runDemo(home, join(folder, 'report.json'));
  const again = await runDemo(home, join(folder, 'again.json'));

  expect(report.train).toMatchObject({ items: expected.n_train, supportVectors: expected.n_support });
  expect(report.test).toMatchObject({ items: expected.n_test, accuracy: expected.accuracy });
  const { http, event, pipeline } = report.callers;
  expect(http.annotations).toBe(expected.n_test);
  expect([event.digest, pipeline.digest]).toEqual([http.digest, http.digest]);
  expect(report.coldMs).toBeGreaterThan(report.warmMs);
  expect(again.report).toEqual(report);
  expect(again.stderr).toContain('everything was done by an earlier start');
  expect(await predictionsInFileOrder(home, report)).toEqual(expected.predictions.map(String));
});

async function sklearnOnDigits() {
  const file = join(ROOT, 'test', 'fixtures', 'reference', 'sklearn.json');
  const { svc } = JSON.parse(await readFile(file, 'utf8')) as {
    svc: Record<
      'digits',
      { n_train: number; n_test: number; n_support: number; accuracy: number; predictions: number[] }
    >;
  };
  return svc.digits;
}

/** What the snapshot wrote on the test items, in the order of the rows they were made from. */
async function predictionsInFileOrder(home: string, { dataset, snapshot }: Report): Promise<string[]> {
  const platform = await openPlatform(readConfig({ MODELFN_HOME: home }));
  onTestFinished(() => platform.close());
  const { store } = platform;
  const test = { 'metadata.system.snapshotPartition': 'test' };
  const items = await store.query('Item', { filter: test, scope: { datasetId: dataset.id } });
  const annotations = await store.query('Annotation', {
    filter: { 'metadata.user.model.snapshot_id': snapshot.id },
    scope: { datasetId: dataset.id },
  });
  const labels = new Map(annotations.items.map(({ itemId, label }) => [itemId, label]));
  return items.items.sort((a, b) => rowOf(a) - rowOf(b)).map(({ id }) => labels.get(id)!);
}

function rowOf({ metadata }: Item): number {
  return (metadata.user as { row: number }).row;
}
