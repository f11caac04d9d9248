import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { importModule } from '../../../shared/codebases/import-module.ts';
import { LocalCodebase } from '../../../shared/codebases/local.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { type Code, codeIn } from './code-in.ts';

async function write(folder: string, code: Code): Promise<void> {
  for (const [path, text] of Object.entries(code)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function open(code: Code) {
  const folder = temporaryFolder();
  await mkdir(folder, { recursive: true });
  await write(folder, code);
  const cache = temporaryFolder();
  return { folder, cache, codebase: new LocalCodebase({ type: 'local', localPath: folder }, folder, cache) };
}

const run = promisify(execFile);
const IMPORT_MODULE = join(import.meta.dirname, '../../../shared/codebases/import-module.ts');

const VERSION_1 = {
  'adapter.mjs': "export { version } from './lib/version.mjs';",
  'lib/version.mjs': 'export const version = 1;',
};

describe('a local codebase', () => {
  it('runs the code that its digest names after a file was changed, also one that the entry point imports', async () => {
    const { folder, codebase } = await open(VERSION_1);
    const first = await codebase.checkout();
    const before = await importModule(first.directory, 'adapter.mjs');

    await write(folder, { 'lib/version.mjs': 'export const version = 2;' });
    const second = await codebase.checkout();
    const after = await importModule(second.directory, 'adapter.mjs');

    expect([before.version, after.version]).toEqual([1, 2]);
    expect(second.digest).not.toBe(first.digest);
    expect(await codeIn(first.directory)).toEqual(VERSION_1);
  });

  it('gives back the earlier copy when a change is undone', async () => {
    const { folder, cache, codebase } = await open(VERSION_1);
    const first = await codebase.checkout();
    await write(folder, { 'lib/version.mjs': 'export const version = 2;' });
    await codebase.checkout();
    await write(folder, VERSION_1);

    expect(await codebase.checkout()).toEqual(first);
    expect((await readdir(cache)).filter((name) => name !== 'tmp')).toHaveLength(2);
  });

  it('has no copy of what its digest leaves out', async () => {
    const { codebase } = await open({
      ...VERSION_1,
      'node_modules/helper/index.mjs': 'export const version = 3;',
      '.hidden/version.mjs': 'export const version = 4;',
      'lib/__pycache__/version.pyc': '',
    });

    expect(await codeIn((await codebase.checkout()).directory)).toEqual(VERSION_1);
  });
});

describe('code of a checkout', () => {
  it.each<[string, (outside: string) => string, string]>([
    ['a file in node_modules', () => "import './node_modules/helper/index.mjs';", 'ERR_MODULE_NOT_FOUND'],
    ['a package in node_modules', () => "import 'helper';", 'ERR_MODULE_NOT_FOUND'],
    ['a file with a leading dot', () => "import './.hidden/version.mjs';", 'ERR_MODULE_NOT_FOUND'],
    [
      'a file beside its folder by require',
      (outside) =>
        `import { createRequire } from 'node:module'; createRequire(import.meta.url)(${JSON.stringify(join(outside, 'other.cjs'))});`,
      'ImportRefused',
    ],
  ])('cannot import %s', async (_what, text, code) => {
    const outside = temporaryFolder();
    await write(outside, { 'other.mjs': '', 'other.cjs': '' });
    const { codebase } = await open({
      'adapter.mjs': text(outside),
      'node_modules/helper/index.mjs': '',
      'node_modules/helper/package.json': '{"name":"helper","exports":"./index.mjs"}',
      '.hidden/version.mjs': '',
    });
    const { directory } = await codebase.checkout();

    await expect(importModule(directory, 'adapter.mjs')).rejects.toMatchObject({ code });
  });

  it('can import its own files and modules of Node', async () => {
    const { codebase } = await open({
      'adapter.mjs': "import { sep } from 'node:path'; import './lib/a.mjs'; export const found = sep;",
      'lib/a.mjs': "import '../b.mjs';",
      'b.mjs': '',
    });

    expect(await importModule((await codebase.checkout()).directory, 'adapter.mjs')).toMatchObject({
      found: '/',
    });
  });

  // In a process of its own: the test runner resolves imports of modules in its own way.
  it('cannot import a file beside its folder, and is refused with a code of its own', async () => {
    const outside = temporaryFolder();
    await write(outside, { 'other.mjs': '' });
    const { codebase } = await open({
      'adapter.mjs': `import ${JSON.stringify(join(outside, 'other.mjs'))};`,
    });
    const { directory } = await codebase.checkout();
    const script = `
      const { importModule } = await import(${JSON.stringify(IMPORT_MODULE)});
      await importModule(${JSON.stringify(directory)}, 'adapter.mjs').catch(({ code }) => console.log(code));`;

    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);

    expect(stdout.trim()).toBe('ImportRefused');
  });
});
