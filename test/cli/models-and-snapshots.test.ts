import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../shared/json.ts';
import { type CommandLine, commandLine, writeFiles } from './command-line.ts';

describe('modelfn models', () => {
  it('creates a model of a built-in adapter, with the class and types of the adapter', async () => {
    const line = await withProject();

    const model = await line.json('models', 'create', 'digits', '--project', 'demo', '--adapter', 'svm');

    expect(model).toMatchObject({
      name: 'digits',
      version: '1.0.0',
      entryPoint: 'modelfn/svm',
      className: 'SvmAdapter',
      outputType: 'class',
    });
  });

  it.each([
    ['an adapter that there is not', ['--adapter', 'svn'], 5, 'BuiltInUnknown'],
    ['an adapter and code of its own', ['--adapter', 'svm', '--entry-point', 'a.mjs'], 2, 'WrongUsage'],
    ['a class name that is none', ['--class-name', 'a-b'], 5, 'InvalidInput'],
    [
      'an environment for an adapter without Python',
      ['--adapter', 'svm', '--python', '3.8'],
      5,
      'InvalidInput',
    ],
    ['a Python that is too old', ['--entry-point', 'm.py', '--python', '3.6'], 5, 'InvalidInput'],
    ['a configuration that is no JSON', ['--configuration', '{C: 1}'], 2, 'WrongUsage'],
  ])('refuses %s and creates nothing', async (_what, argv, code, error) => {
    const line = await withProject();

    expect(await line.fail('models', 'create', 'm', '--project', 'demo', ...argv)).toMatchObject({
      code,
      error,
    });
    expect(await line.json<JsonObject[]>('models', 'list')).toEqual([]);
  });

  it('creates a model with an environment for its Python, and shows it', async () => {
    const line = await withProject();
    const environment = { requirements: 'none', secrets: { HF_TOKEN: 'MODELFN_SECRET_HUB' } };
    const options = ['--entry-point', 'model.py', '--environment', JSON.stringify(environment)];

    const model = await line.json(
      'models',
      'create',
      'm',
      '--project',
      'demo',
      ...options,
      '--python',
      '3.8',
    );
    const { stdout } = await line.run('models', 'show', 'm');

    expect(model).toMatchObject({ environment: { ...environment, python: '3.8' }, configuration: {} });
    expect(stdout).toMatch(/environment +\{.*"python":"3\.8"/);
  });

  it('keeps what a key named __proto__ holds away from every object', async () => {
    const line = await withProject();
    const hostile = ['--configuration', '{"__proto__": {"polluted": true}}'];

    await line.run('models', 'create', 'm', '--project', 'demo', '--adapter', 'svm', ...hostile);

    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('deletes a model with its snapshots', async () => {
    const line = await withModel();
    await line.json('snapshots', 'create', 'one', '--model', 'digits');

    await line.json('models', 'delete', 'digits', '--yes');

    expect(await line.json<JsonObject[]>('snapshots', 'list')).toEqual([]);
  });
});

describe('modelfn snapshots', () => {
  it('takes labels from the option, configuration from a file', async () => {
    const line = await withModel();
    await writeFiles(line.cwd, { 'c.json': '{"C": 3}' });
    const options = ['--labels', 'cat, dog', '--configuration', '@c.json'];

    const snapshot = await line.json('snapshots', 'create', 'one', '--model', 'digits', ...options);

    expect(snapshot).toMatchObject({
      status: 'created',
      revision: 0,
      configuration: { C: 3 },
      ontologySpec: { labels: ['cat', 'dog'] },
    });
    expect(snapshot).not.toHaveProperty('run');
  });

  it('tells two of one name apart by their model, and lists their ids when nothing does', async () => {
    const line = await withModel();
    await line.json('models', 'create', 'other', '--project', 'demo', '--adapter', 'svm');
    const first = await line.json('snapshots', 'create', 'same', '--model', 'digits');
    const second = await line.json('snapshots', 'create', 'same', '--model', 'other');

    const ambiguous = await line.fail('snapshots', 'show', 'same');

    expect(ambiguous).toMatchObject({ code: 3, error: 'AmbiguousReference' });
    expect(ambiguous.message).toContain(String(first.id));
    expect(ambiguous.message).toContain(String(second.id));
    expect(await line.json('snapshots', 'show', 'other/same')).toMatchObject({ id: second.id! });
    expect(await line.json('snapshots', 'show', 'demo/digits/same')).toMatchObject({ id: first.id! });
  });

  it('clones with another configuration and names the parent', async () => {
    const line = await withModel();
    const parent = await line.json(
      'snapshots',
      'create',
      'one',
      '--model',
      'digits',
      '--configuration',
      '{"C":1,"gamma":2}',
    );

    const child = await line.json('snapshots', 'clone', 'one', 'two', '--configuration', '{"C":9}');

    expect(child).toMatchObject({ parentId: parent.id!, configuration: { C: 9, gamma: 2 } });
    expect(await line.fail('snapshots', 'delete', 'one', '--yes')).toMatchObject({
      code: 4,
      error: 'SnapshotHasChildren',
    });
  });

  it('ends with 4 when the model has a snapshot of that name', async () => {
    const line = await withModel();
    await line.json('snapshots', 'create', 'one', '--model', 'digits');

    expect(await line.fail('snapshots', 'create', 'one', '--model', 'digits')).toMatchObject({
      code: 4,
      error: 'Conflict',
    });
  });

  it('draws logged metrics as one curve a line', async () => {
    const line = await withModel();
    await line.json('snapshots', 'create', 'one', '--model', 'digits');
    for (const [x, y] of [
      ['1', '4'],
      ['2', '2.5'],
      ['3', '0'],
    ] as const)
      await line.json(
        'snapshots',
        'metrics',
        'log',
        'one',
        '--figure',
        'loss',
        '--legend',
        'train',
        '--x',
        x,
        '--y',
        y,
      );

    const { stdout } = await line.run('snapshots', 'metrics', 'show', 'one');

    expect(stdout.split('\n')[1]).toMatch(/^loss +train +3 +4 +0 +0 +4 +█▅▁$/);
    expect(await line.json<JsonObject[]>('snapshots', 'metrics', 'show', 'one', '--figure', 'none')).toEqual(
      [],
    );
  });

  it('shows the numbers of a curve in which some points are NaN', async () => {
    const line = await withModel();
    await line.json('snapshots', 'create', 'one', '--model', 'digits');
    for (const [x, y] of [
      ['1', '4'],
      ['2', 'NaN'],
      ['3', '0'],
    ] as const) {
      const point = ['--figure', 'loss', '--legend', 'train', '--x', x, '--y', y];
      await line.json('snapshots', 'metrics', 'log', 'one', ...point);
    }

    const { stdout } = await line.run('snapshots', 'metrics', 'show', 'one');

    expect(stdout.split('\n')[1]).toMatch(/^loss +train +3 +4 +0 +0 +4 +█▁$/);
    const samples = await line.json<JsonObject[]>('snapshots', 'metrics', 'show', 'one');
    expect(samples.map(({ y }) => y)).toEqual([4, 'NaN', 0]);
  });

  it('refuses a point that is no number', async () => {
    const line = await withModel();
    await line.json('snapshots', 'create', 'one', '--model', 'digits');
    const point = ['--figure', 'f', '--legend', 'l', '--x', '1', '--y', 'much'];

    expect(await line.fail('snapshots', 'metrics', 'log', 'one', ...point)).toMatchObject({ code: 2 });
  });
});

async function withProject(): Promise<CommandLine> {
  const line = commandLine();
  await line.json('projects', 'create', 'demo');
  return line;
}

async function withModel(): Promise<CommandLine> {
  const line = await withProject();
  await line.json('models', 'create', 'digits', '--project', 'demo', '--adapter', 'svm');
  return line;
}
