import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleAdapter } from '../../cli/bundle-adapter.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { writeFiles } from './command-line.ts';

const NEAREST_CENTROID = join(import.meta.dirname, '../../examples/nearest-centroid/adapter.ts');
const CLASS = (name: string) =>
  `export class ${name} extends ModelAdapter { prepare() {} train() {} predict() {} save() {} load() {} }`;

describe('bundleAdapter', () => {
  it('finds the adapter class by its methods, and takes its types', async () => {
    const { className, adapterClass } = await bundleAdapter(NEAREST_CENTROID);

    expect(className).toBe('NearestCentroid');
    expect([adapterClass.inputType, adapterClass.outputType]).toEqual(['image', 'class']);
  });

  it('makes the same archive of the same source, wherever it lies', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'deep', 'down'), { recursive: true });
    const copy = join(folder, 'deep', 'down', 'adapter.ts');
    await copyFile(NEAREST_CENTROID, copy);

    const here = await bundleAdapter(NEAREST_CENTROID);
    const there = await bundleAdapter(copy);

    expect(Buffer.from(there.archive).equals(here.archive)).toBe(true);
  });

  it('bundles what the adapter imports, and finds the entry of a folder', async () => {
    const folder = temporaryFolder();
    await writeFiles(folder, {
      'adapter.ts': `import { ModelAdapter } from 'modelfn'; import { name } from './name.ts'; ${CLASS('Mine')}\nexport const label = name;`,
      'name.ts': `export const name: string = 'mine';`,
    });

    expect(await bundleAdapter(folder)).toMatchObject({ className: 'Mine' });
  });

  it.each([
    ['a path that is not there', {}, 'adapter.ts', undefined, 'PathUnusable', 'is not there'],
    [
      'a folder without an entry',
      { 'model.py': '' },
      '.',
      undefined,
      'PathUnusable',
      'has none of adapter.ts',
    ],
    [
      'a mistake in the source, with its place',
      { 'a.ts': 'class {' },
      'a.ts',
      undefined,
      'AdapterNotBundled',
      'a.ts:1:',
    ],
    [
      'a package that is not installed',
      { 'a.ts': `import 'no-such-package-here';` },
      'a.ts',
      undefined,
      'AdapterNotBundled',
      'npm install no-such-package-here',
    ],
    [
      'a file without an adapter',
      { 'a.ts': 'export const x = 1;' },
      'a.ts',
      undefined,
      'AdapterClassNotFound',
      'exports no adapter class',
    ],
    [
      'a class without any method',
      {
        'a.ts': `import { ModelAdapter } from 'modelfn'; export class Half extends ModelAdapter { other() {} }`,
      },
      'a.ts',
      undefined,
      'AdapterClassNotFound',
      'Half has none of prepare, train, predict, save, load',
    ],
    [
      'a class with some methods that extends something else',
      { 'a.ts': 'export class Other { train() {} }' },
      'a.ts',
      undefined,
      'AdapterClassNotFound',
      'Other does not extend ModelAdapter',
    ],
    [
      'two adapters without a choice',
      { 'a.ts': `import { ModelAdapter } from 'modelfn'; ${CLASS('A')} ${CLASS('B')}` },
      'a.ts',
      undefined,
      'AdapterClassNotFound',
      'Choose one with --class',
    ],
    [
      'a choice that is not there',
      { 'a.ts': `import { ModelAdapter } from 'modelfn'; ${CLASS('Abc')}` },
      'a.ts',
      'Abd',
      'AdapterClassNotFound',
      'the nearest is Abc',
    ],
    [
      'a module that fails while it is imported',
      { 'a.ts': `throw new Error('no GPU');` },
      'a.ts',
      undefined,
      'AdapterNotBundled',
      'no GPU',
    ],
  ])('tells of %s', async (_what, files, path, className, code, message) => {
    const folder = temporaryFolder();
    await writeFiles(folder, files as Record<string, string>);

    const failure: unknown = await bundleAdapter(join(folder, path), className).catch(
      (error: unknown) => error,
    );

    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('takes the chosen one of two adapters, and a default export by its own name', async () => {
    const folder = temporaryFolder();
    await writeFiles(folder, {
      'two.ts': `import { ModelAdapter } from 'modelfn'; ${CLASS('A')} ${CLASS('B')}`,
      'both.ts': `import { ModelAdapter } from 'modelfn'; ${CLASS('Own')} export default Own;`,
    });

    expect(await bundleAdapter(join(folder, 'two.ts'), 'B')).toMatchObject({ className: 'B' });
    expect(await bundleAdapter(join(folder, 'both.ts'))).toMatchObject({ className: 'Own' });
  });
});
