import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandLine, commandLine, writeFiles } from './command-line.ts';

const CODE = `import { ServiceRunner, type FunctionContext } from 'modelfn';
import { sum } from './sum.ts';
export class Adder extends ServiceRunner {
  add({ a, b }: { a: number; b: number }, context: FunctionContext) {
    context.log.info('adding');
    return { sum: sum(a, b) };
  }
}`;
const manifest = (fields: object = {}) =>
  JSON.stringify({
    name: 'adder',
    modules: [
      {
        className: 'Adder',
        entryPoint: 'adder.ts',
        functions: [
          {
            name: 'add',
            input: [
              { name: 'a', type: 'Number' },
              { name: 'b', type: 'Number', value: 1 },
            ],
            output: [{ name: 'sum', type: 'Number' }],
          },
        ],
        ...fields,
      },
    ],
  });

async function opened(files: Record<string, string> = {}): Promise<CommandLine> {
  const line = commandLine();
  const sum = 'export const sum = (a: number, b: number): number => a + b;';
  await writeFiles(join(line.cwd, 'adder'), {
    'modelfn.json': manifest(),
    'adder.ts': CODE,
    'sum.ts': sum,
    ...files,
  });
  await line.json('projects', 'create', 'demo');
  return line;
}
const push = (line: CommandLine) => line.json('packages', 'push', 'adder', '--project', 'demo');

describe('modelfn packages', () => {
  it('pushes a folder, the same code once, and changed code as the next version', async () => {
    const line = await opened();

    const first = await push(line);
    const again = await push(line);
    await writeFiles(join(line.cwd, 'adder'), {
      'sum.ts': 'export const sum = (a: number, b: number) => a * b;',
    });
    const changed = await push(line);

    expect(first).toMatchObject({ created: true, package: { version: '1.0.0', name: 'adder' } });
    expect(again).toMatchObject({
      created: false,
      codebase: { reused: true },
      package: { version: '1.0.0' },
    });
    expect(changed).toMatchObject({ codebase: { version: 1 }, package: { version: '1.0.1' } });
    expect(await line.json<[]>('packages', 'list')).toHaveLength(1);
    expect((await line.run('packages', 'show', 'adder')).stdout).toContain('a: Number, b: Number');
  });

  it('takes the package.json of a Dataloop package too', async () => {
    const line = await opened({ 'modelfn.json': '' });
    await writeFiles(join(line.cwd, 'dataloop'), {
      'package.json': manifest(),
      'adder.ts': CODE.replace("import { sum } from './sum.ts';", 'const sum = (a, b) => a + b;'),
    });

    expect(await line.json('packages', 'push', 'dataloop', '--project', 'demo')).toMatchObject({
      created: true,
    });
  });

  it.each<[string, Record<string, string>, string, RegExp]>([
    ['no JSON', { 'modelfn.json': '{' }, 'InvalidInput', /it is no JSON/],
    ['no modules', { 'modelfn.json': '{"name": "adder", "modules": []}' }, 'InvalidInput', /there are none/],
    [
      'a bad name',
      { 'modelfn.json': manifest().replace('"adder"', '"Adder"') },
      'InvalidName',
      /Invalid package name/,
    ],
    [
      'a type that is none',
      { 'modelfn.json': manifest().replace('"Number"', '"Nmber"') },
      'InvalidInput',
      /is to be one of/,
    ],
    [
      'another class',
      { 'modelfn.json': manifest({ className: 'Addr' }) },
      'RunnerUnusable',
      /no class Addr.*nearest is Adder/,
    ],
    [
      'a missing method',
      { 'adder.ts': CODE.replace('  add(', '  plus(') },
      'RunnerUnusable',
      /without the method add/,
    ],
    [
      'a file that is not there',
      { 'modelfn.json': manifest({ entryPoint: 'other.ts' }) },
      'PackageNotBundled',
      /other.ts/,
    ],
    [
      'a file outside',
      { 'modelfn.json': manifest({ entryPoint: '../other.ts' }) },
      'InvalidInput',
      /inside the codebase/,
    ],
    ['an import that is not there', { 'adder.ts': "import './gone.ts';" }, 'PackageNotBundled', /gone\.ts/],
    [
      'code that fails at once',
      { 'adder.ts': "throw new Error('no');" },
      'PackageNotBundled',
      /fails while it is imported: no/,
    ],
    [
      'Python',
      { 'modelfn.json': manifest({ entryPoint: 'main.py' }) },
      'RunnerUnusable',
      /written in Python/,
    ],
  ])('refuses a folder with %s, and keeps nothing of it', async (_what, files, error, message) => {
    const line = await opened(files);

    const failed = await line.fail('packages', 'push', 'adder', '--project', 'demo');

    expect(failed).toMatchObject({ code: 5, error, message: expect.stringMatching(message) });
    expect(await line.json('packages', 'list')).toEqual([]);
    expect(await line.json('datasets', 'list')).toEqual([]);
  });
});

it('the function of the documentation can be pushed', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/FUNCTIONS.md'), 'utf8');
  const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;
  const line = await opened({ 'modelfn.json': block('json'), 'checker.ts': block('ts') });

  expect(await push(line)).toMatchObject({ package: { name: 'checker' }, created: true });
});

describe('modelfn services', () => {
  it('deploys a package, calls its function in a process of its own, and tells its logs', {
    timeout: 30_000,
  }, async () => {
    const line = await opened();
    await push(line);
    const deployed = await line.json('services', 'deploy', 'adder', '--timeout', '60', '--attempts', '1');

    const called = await line.json('services', 'call', 'adder', 'add', '--inputs', '{"a": 2}');

    expect(called).toMatchObject({ function: 'add', service: deployed.id!, output: { sum: 3 } });
    expect(await line.json('executions', 'show', String(called.executionId))).toMatchObject({
      functionName: 'add',
      packageName: 'adder',
      maxAttempts: 1,
    });
    expect(await line.json('services', 'logs', 'adder', '--follow')).toMatchObject([{ message: 'adding' }]);
    expect(await line.json('services', 'deploy', 'adder', '--attempts', '2')).toMatchObject({
      id: deployed.id!,
      version: '1.0.1',
      maxAttempts: 2,
      executionTimeout: 60,
    });
    expect(await line.json('services', 'list')).toMatchObject([{ name: 'adder', active: true }]);
  });

  it('refuses calls that could not run, and records nothing of them', async () => {
    const line = await opened();
    await push(line);
    await line.json('services', 'deploy', 'adder', '--name', 'one');
    const call = (...more: string[]) => line.fail('services', 'call', 'one', ...more);

    expect(await call('ad')).toMatchObject({ code: 5, error: 'UnknownFunction' });
    expect(await call('add')).toMatchObject({ code: 5, error: 'InvalidInput' });
    expect(await call('add', '--inputs', '{"a": "two"}')).toMatchObject({ code: 5, error: 'InvalidInput' });
    expect(await call('add', '--inputs', '2')).toMatchObject({ code: 2, error: 'WrongUsage' });
    expect(await line.fail('services', 'call', 'none', 'add')).toMatchObject({ code: 3 });
    expect(await line.json('services', 'stop', 'one')).toMatchObject({ active: false });
    expect(await call('add', '--inputs', '{"a": 2}')).toMatchObject({ code: 4, error: 'ServiceStopped' });
    expect(await line.json('services', 'resume', 'one')).toMatchObject({ active: true });
    expect(await line.json('executions', 'list')).toEqual([]);
    expect(await line.fail('packages', 'delete', 'adder', '--yes')).toMatchObject({
      code: 4,
      error: 'StillInUse',
    });
    await line.json('services', 'delete', 'one', '--yes');
    await line.json('packages', 'delete', 'adder', '--yes');
  });
});
