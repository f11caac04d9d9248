import { cp, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { exampleFolder, pythonProblem } from '../adapters/python/hosted-python.ts';
import { commandLine } from './command-line.ts';

beforeEach(({ skip }) => {
  if (pythonProblem !== undefined) skip(pythonProblem);
});

it('an adapter in Python is checked, pushed, trained and asked by the bundles of the functions alone', async () => {
  const line = commandLine({ env: { MODELFN_HOME: 'home', PATH: process.env.PATH } });
  const folder = join(line.cwd, 'code');
  await cp(exampleFolder('python-adapter'), folder, { recursive: true });
  for (const [label, x] of [
    ['low', 1],
    ['low', 2],
    ['high', 11],
    ['high', 12],
  ] as const) {
    await mkdir(join(line.cwd, 'numbers', label), { recursive: true });
    await writeFile(join(line.cwd, 'numbers', label, `${x}.json`), JSON.stringify({ x }));
  }
  const checked = await line.json<{ passed: boolean; className: string }>(
    'adapters',
    'check',
    'code/model.py',
  );
  await line.json('projects', 'create', 'demo');
  await line.json('datasets', 'create', 'numbers', '--project', 'demo');
  await line.json('datasets', 'upload', 'numbers', 'numbers', '--labels-from-folders');
  await line.json('datasets', 'partition', 'numbers', '--train', '1', '--validation', '0', '--test', '0');

  const pushed = await line.json<{ model: { entryPoint: string; inputType: string } }>(
    ...['models', 'push', 'centroid', 'code', '--project', 'demo'],
  );
  // From here on there is no code but the pushed one.
  await rename(folder, join(line.cwd, 'gone'));
  await line.json('snapshots', 'create', 'first', '--model', 'centroid', '--dataset', 'numbers');
  const trained = await line.json<{ status: string; metrics: Record<string, number> }>('train', 'first');
  const predicted = await line.json<{ items: number; failed: string[] }>(
    ...['predict', 'first', '--dataset', 'numbers'],
  );

  expect(checked).toMatchObject({ passed: true, className: 'ModelAdapter' });
  expect(pushed.model).toMatchObject({ entryPoint: 'model.py', inputType: 'image' });
  expect(trained).toMatchObject({ status: 'trained', metrics: { 'accuracy/train': 1 } });
  expect(predicted).toMatchObject({ items: 4, failed: [] });
}, 120_000);
