import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CliIo } from '../../cli/io.ts';
import type { JsonObject } from '../../shared/json.ts';
import { type CommandLine, commandLine, writeFiles } from './command-line.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const NEAREST_CENTROID = join(import.meta.dirname, '../../examples/nearest-centroid');
const POINTS = 'x,y,side\n1,1,left\n2,1,left\n1,2,left\n8,8,right\n9,8,right\n8,9,right\n';

describe('functions on the command line', () => {
  it('imports a folder without any snapshot, and creates the dataset in a project', async () => {
    const line = commandLine();
    await line.json('projects', 'create', 'demo');
    await writeFiles(line.cwd, {
      'in/a.csv': 'filename,label\na.png,cat\n',
      'in/a.png': 'x',
      'bare/b.png': 'x',
    });

    const { code, stdout } = await line.run('datasets', 'import', 'pets', 'in', '--project', 'demo');
    const bare = await line.fail('datasets', 'import', 'pets', 'bare', '--format', 'csv');
    const unknown = await line.fail('datasets', 'import', 'pets', 'in', '--format', 'xls');

    expect(code).toBe(0);
    expect(stdout).toMatch(/^Format: csv, because a.csv /);
    expect(stdout).toContain('pets: 1 created, 0 overwritten.\nAnnotations: 1 created');
    expect(bare).toMatchObject({ code: 5, error: 'NoLabelsFound' });
    expect(unknown).toMatchObject({ code: 2, error: 'WrongUsage' });
    expect(await line.json('datasets', 'show', 'pets')).toMatchObject({ itemsCount: 1, labels: ['cat'] });
  });

  it('goes the whole way with an adapter of the user: push, train, predict, evaluate, load, save', async () => {
    const line = await withPoints();
    await line.json('models', 'push', 'centroid', NEAREST_CENTROID, '--project', 'demo');
    await line.json('snapshots', 'create', 'one', '--model', 'centroid', '--dataset', 'points');

    const trained = await line.json('train', 'one');
    expect(trained).toMatchObject({ status: 'trained', snapshot: { revision: 1 }, items: { train: 6 } });

    const items = ['--dataset', 'points', '--items', '/points/row-000006.json'];
    const predicted = await line.json('predict', 'one', ...items, '--no-write');
    expect(predicted).toMatchObject({
      written: false,
      predictions: [{ filename: '/points/row-000006.json', annotations: [{ label: 'right' }] }],
    });

    await writeFiles(line.cwd, { 'new.json': '{"x": 9, "y": 9}' });
    expect(await line.json('predict', 'one', 'new.json')).toMatchObject({
      predictions: [
        {
          filename: expect.stringMatching(/^\/uploads\/[0-9a-f]{16}\/new\.json$/),
          annotations: [{ label: 'right' }],
        },
      ],
    });

    const missing = await line.fail('evaluate', 'one', '--partition', 'train');
    expect(missing).toMatchObject({ code: 5, error: 'PredictionsMissing' });
    const evaluated = await line.run('evaluate', 'one', '--partition', 'train', '--predict');
    expect(evaluated.stdout).toMatch(/accuracy +1\n/);
    expect(evaluated.stdout).toMatch(/\nleft +1 +1 +1 +3\n/);

    expect(await line.json('load', 'one')).toMatchObject({
      labels: ['left', 'right'],
      files: [{ path: 'centroids.json' }],
    });
    await writeFiles(line.cwd, { 'weights/centroids.json': '{"centroids":{"left":[0,0]},"spread":1}' });
    expect(await line.json('save', 'one', '--directory', 'weights')).toMatchObject({
      snapshot: { revision: 2 },
    });

    const moved = await line.json('save', 'one', '--from-snapshot', 'one', '--bucket', 'item');
    expect(moved).toMatchObject({ snapshot: { revision: 3 }, weights: { bucket: { type: 'item' } } });
    expect(await line.json('load', 'one')).toMatchObject({
      bucket: { type: 'item' },
      snapshot: { revision: 3 },
    });

    const executions = (await line.json('executions', 'list')) as unknown as JsonObject[];
    expect(executions.map(({ functionName }) => functionName)).toEqual([
      'load',
      'save',
      'save',
      'load',
      'evaluate',
      'evaluate',
      'predict',
      'predict',
      'train',
    ]);
    expect(executions[0]).toMatchObject({ id: expect.any(String), latestStatus: { status: 'success' } });
    expect(executions[0]).not.toHaveProperty('lease');
  });

  it('writes a dataset as a layout and reads it back into another dataset with the same labels', async () => {
    const line = await withPoints();
    await line.json('datasets', 'create', 'copy', '--project', 'demo');
    await line.json('models', 'push', 'centroid', NEAREST_CENTROID, '--project', 'demo');
    await line.json('snapshots', 'create', 'one', '--model', 'centroid', '--dataset', 'points');

    await line.json('convert', 'one', '--to', 'layout');
    const back = await line.json('convert', 'one', '--from', 'layout', '--dataset', 'copy');

    const folders = (await readdir(join(line.cwd, 'layout'))).filter((name) => !name.startsWith('.'));
    expect(folders.sort()).toEqual(['left', 'right']);
    const first = await readFile(join(line.cwd, 'layout', 'left', 'points', 'row-000001.json'), 'utf8');
    expect(JSON.parse(first)).toEqual({ x: 1, y: 1 });
    expect(back).toMatchObject({ created: 6, failed: [] });
    expect(await line.json('datasets', 'show', 'copy')).toMatchObject({
      annotated: 6,
      labels: ['left', 'right'],
    });
  });

  it('writes a dataset in a format, tells what is lost as a table, and refuses that when strict', async () => {
    const line = await withPoints();
    await line.json('models', 'push', 'centroid', NEAREST_CENTROID, '--project', 'demo');
    await line.json('snapshots', 'create', 'one', '--model', 'centroid', '--dataset', 'points');

    const csv = await line.run('convert', 'one', '--format', 'csv', '--strict', '--to', 'csv');
    const strict = await line.fail('convert', 'one', '--format', 'coco', '--strict', '--to', 'coco');
    const lossy = await line.run('convert', 'one', '--format', 'coco', '--no-media', '--to', 'coco');
    const back = await line.run('convert', 'one', '--format', 'csv', '--from', 'csv');

    expect(csv.stdout).toMatch(/^Wrote 6 .* to csv: 7 files, /);
    expect(strict).toMatchObject({ code: 5, error: 'FormatLossRefused' });
    expect(lossy.stdout).toMatch(/\nTYPE +FIELD +HOW +COUNT +EXAMPLE\nclass +\* +dropped +6 +"left"\n/);
    expect(back.stdout).toContain('Annotations: 6 created, 0 there already.');
  });

  it('asks a run to terminate at Ctrl-C, waits for its end and leaves the snapshot free', async () => {
    const interruption = new AbortController();
    // The bar shows the run at work: only then does the person lose patience.
    const line = await withPoints({
      interrupted: interruption.signal,
      isTTY: true,
      stderr: { write: (text) => void (text.includes('halfway') && interruption.abort()) },
    });
    await line.json('models', 'push', 'endless', join(FIXTURES, 'endless.ts'), '--project', 'demo');
    await line.json('snapshots', 'create', 'one', '--model', 'endless', '--dataset', 'points');

    const { code } = await line.run('train', 'one');

    expect(code).toBe(130);
    const [execution] = (await line.json('executions', 'list')) as unknown as JsonObject[];
    expect(execution).toMatchObject({ error: { code: 'Cancelled' }, latestStatus: { status: 'failed' } });
    expect(await line.json('snapshots', 'show', 'one')).toMatchObject({ status: 'failed', revision: 0 });
  });

  it('exports the weights of a snapshot as one model file, and leaves nothing beside it', async () => {
    const line = await withPoints();
    await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
    await line.json('snapshots', 'create', 'rbf', '--model', 'svm', '--dataset', 'points');
    await line.json('train', 'rbf');

    const told = await line.run('snapshots', 'export', 'rbf', '--format', 'onnx', '--to', 'out/rbf.onnx');

    expect(told.stdout).toMatch(/^Wrote rbf, revision 1, to rbf\.onnx \(onnx, [\d.]+ .?B\)\.\n$/);
    expect(await readdir(join(line.cwd, 'out'))).toEqual(['rbf.onnx']);
    const bytes = await readFile(join(line.cwd, 'out', 'rbf.onnx'));
    expect(bytes.toString('latin1')).toContain('["left","right"]');
    expect(await line.fail('snapshots', 'export', 'rbf', '--format', 'onnx')).toMatchObject({ code: 2 });
  });

  it('starts nothing when Ctrl-C came before', async () => {
    const interruption = new AbortController();
    const line = await withPoints({ interrupted: interruption.signal });
    await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
    await line.json('snapshots', 'create', 'rbf', '--model', 'svm', '--dataset', 'points');
    interruption.abort();

    expect(await line.fail('train', 'rbf')).toMatchObject({ code: 130, error: 'Cancelled' });
    expect(await line.json('executions', 'list')).toEqual([]);
  });

  it('tells the snapshots there are when one is not', async () => {
    const line = await withPoints();
    await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
    await line.json('snapshots', 'create', 'rbf', '--model', 'svm');

    const { code, message } = await line.fail('train', 'nosuch');

    expect(code).toBe(3);
    expect(message).toContain('It has: rbf.');
  });

  it.each([
    ['nothing to predict', ['predict', 'rbf']],
    ['a path without its dataset', ['predict', 'rbf', '--items', '/a.png']],
    [
      'a partition of single items',
      ['predict', 'rbf', '--items', 'x', '--dataset', 'points', '--partition', 'test'],
    ],
    ['files beside items', ['predict', 'rbf', 'a.json', '--items', 'x']],
    ['files without a dataset to put them into', ['predict', 'rbf', 'points.csv']],
    ['an unknown partition', ['evaluate', 'rbf', '--partition', 'holdout']],
    ['neither --to nor --from', ['convert', 'rbf']],
    ['--strict without a format', ['convert', 'rbf', '--to', 'x', '--strict']],
    ['nothing to save', ['save', 'rbf']],
    ['two things to save', ['save', 'rbf', '--directory', '.', '--execution', 'x']],
    ['a seed that is no whole number', ['train', 'rbf', '--seed', '1.5']],
    ['a bucket that is no JSON', ['save', 'rbf', '--directory', '.', '--bucket', 'lokal']],
  ])('refuses %s with 2, before any function is started', async (_what, argv) => {
    const line = await withPoints();
    await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
    await line.json('snapshots', 'create', 'rbf', '--model', 'svm');

    expect(await line.fail(...argv)).toMatchObject({ code: 2, error: 'WrongUsage' });
    expect(await line.json('executions', 'list')).toEqual([]);
  });

  it('refuses to predict a file that is not there', async () => {
    const line = await withPoints();
    await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
    await line.json('snapshots', 'create', 'rbf', '--model', 'svm', '--dataset', 'points');

    expect(await line.fail('predict', 'rbf', 'missing.json')).toMatchObject({
      code: 5,
      error: 'PathUnusable',
    });
  });

  it('refuses to save a folder that is not there', async () => {
    const line = await withPoints();
    await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
    await line.json('snapshots', 'create', 'rbf', '--model', 'svm');

    expect(await line.fail('save', 'rbf', '--directory', 'missing')).toMatchObject({
      code: 5,
      error: 'PathUnusable',
    });
  });
});

async function withPoints(io: Partial<CliIo> = {}): Promise<CommandLine> {
  const line = commandLine(io);
  await writeFiles(line.cwd, { 'points.csv': POINTS });
  await line.json('projects', 'create', 'demo');
  await line.json('datasets', 'create', 'points', '--project', 'demo');
  await line.json(
    'datasets',
    'upload',
    'points',
    'points.csv',
    '--label-column',
    'side',
    '--partition',
    'train',
  );
  return line;
}
