import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../adapters/registry.ts';
import type { JsonObject } from '../../shared/json.ts';
import { commandLine, writeFiles } from './command-line.ts';

const NEAREST_MEAN = join(import.meta.dirname, 'fixtures', 'nearest-mean.ts');

describe('modelfn adapters', () => {
  it('lists every built-in adapter with the defaults of its configuration', async () => {
    const list = await commandLine().json<JsonObject[]>('adapters', 'list');

    expect(list.map(({ entryPoint }) => entryPoint)).toEqual(Object.keys(BUILT_IN));
    for (const each of list) expect(each.defaults).toBeTypeOf('object');
  });

  it('passes an adapter that keeps to the contract', async () => {
    const { code, stdout } = await commandLine().run('adapters', 'check', NEAREST_MEAN);

    expect(stdout).not.toContain('FAIL');
    expect(stdout).toContain('NearestMean passes');
    expect(code).toBe(0);
  });

  it('lists what an adapter does not keep to, with the reason, and ends with 5', async () => {
    const line = commandLine();
    const methods = 'prepare() {} train() {} predict() {} save() {} load() {}';
    await writeFiles(line.cwd, {
      'a.ts': `import { ModelAdapter } from 'modelfn';
        export class Greedy extends ModelAdapter {
          maxBatchSize = 0;
          constructor(setup) { super(setup); if (setup.configuration.broken) throw new Error('no such kernel'); }
          ${methods}
        }`,
    });

    const { code, stdout } = await line.run('adapters', 'check', 'a.ts', '--json');
    const broken = await line.run('adapters', 'check', 'a.ts', '--configuration', '{"broken": true}');

    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({ className: 'Greedy', passed: false });
    expect(stdout).toContain('"reason": "it is 0"');
    expect(broken.code).toBe(5);
    expect(broken.stdout).toMatch(/FAIL .*no such kernel/);
  });

  it('tells of a source that cannot be bundled', async () => {
    const line = commandLine();
    await writeFiles(line.cwd, { 'a.ts': 'export class {' });

    expect(await line.fail('adapters', 'check', 'a.ts')).toMatchObject({
      code: 5,
      error: 'AdapterNotBundled',
    });
  });
});
