import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../adapters/registry.ts';
import { CHECKS } from '../../conformance/checks.ts';
import type { JsonObject } from '../../shared/json.ts';
import { commandLine, writeFiles } from './command-line.ts';

const NEAREST_CENTROID = join(import.meta.dirname, '../../examples/nearest-centroid');

describe('modelfn adapters', () => {
  it('lists every built-in adapter with the defaults of its configuration', async () => {
    const list = await commandLine().json<JsonObject[]>('adapters', 'list');

    expect(list.map(({ entryPoint }) => entryPoint)).toEqual(Object.keys(BUILT_IN));
    for (const each of list) expect(each.defaults).toBeTypeOf('object');
  });

  it('passes an adapter that keeps to the contract, of the user or built in', async () => {
    const own = await commandLine().run('adapters', 'check', NEAREST_CENTROID);
    const builtIn = await commandLine().run('adapters', 'check', 'modelfn/svm');

    expect(own.stdout).not.toContain('FAIL');
    expect(own.stdout).toContain(`NearestCentroid passes ${CHECKS.length - 1} checks; 1 not run.`);
    expect(own.stdout).toContain('Push it with: modelfn models push');
    expect(own.code).toBe(0);
    expect(builtIn.stdout).toMatch(/^SvmAdapter, built in\n {2}ok {3}it extends/);
    expect(builtIn.stdout).not.toContain('Push it');
    expect(builtIn.code).toBe(0);
  });

  it('lists what an adapter does not keep to, with the reason and what to do, and ends with 5', async () => {
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
    const { checks, ...report } = JSON.parse(stdout) as { checks: JsonObject[] };
    expect(report).toMatchObject({ className: 'Greedy', passed: false, seed: 1 });
    expect(checks.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      id: 'maxBatchSize',
      reason: expect.stringMatching(/^expected a whole number from 1; found: it is 0\. Set /),
    });
    expect(broken.code).toBe(5);
    expect(broken.stdout).toMatch(/FAIL .*no such kernel/);
    expect(broken.stdout).toContain(
      `Greedy fails 1 of ${CHECKS.length} checks; ${CHECKS.length - 1} not run.`,
    );
  });

  it('checks on items of a folder, and with weights that are given', async () => {
    const line = commandLine();
    await writeFiles(line.cwd, {
      'weights/centroids.json': '{"centroids":{"low":[1],"high":[9]},"spread":1}',
      ...Object.fromEntries(
        [1, 2, 3, 4, 11, 12, 13, 14].map((n) => [`items/${n < 9 ? 'low' : 'high'}/${n}.json`, `{"n": ${n}}`]),
      ),
    });
    const argv = ['adapters', 'check', NEAREST_CENTROID, '--data', 'items'];

    expect(await line.json(...argv)).toMatchObject({ passed: true });
    expect(await line.json(...argv, '--weights', 'weights')).toMatchObject({ passed: true });
  });

  it.each<[string, Record<string, string>, string]>([
    ['no folder', {}, 'is no folder'],
    ['items of one label', { 'items/a/1.json': '1', 'items/top.json': '1' }, 'has items of 1 labels'],
    ['too few items of a label', { 'items/a/1.json': '1', 'items/b/1.json': '1' }, 'has 1 items of "a"'],
  ])('refuses %s to check on', async (_what, files, problem) => {
    const line = commandLine();
    await writeFiles(line.cwd, files);

    const refused = await line.fail('adapters', 'check', NEAREST_CENTROID, '--data', 'items');

    expect(refused).toMatchObject({ code: 5, error: 'CheckDataUnusable' });
    expect(refused.message).toContain(problem);
  });

  it('names the nearest built-in adapter for one that there is not', async () => {
    const { error, message } = await commandLine().fail('adapters', 'check', 'modelfn/swm');

    expect(error).toBe('BuiltInUnknown');
    expect(message).toContain('the nearest is modelfn/svm');
  });

  it('stops at Ctrl-C', async () => {
    const interrupted = AbortSignal.abort();

    expect(await commandLine({ interrupted }).fail('adapters', 'check', 'modelfn/svm')).toMatchObject({
      code: 130,
      error: 'Cancelled',
    });
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
