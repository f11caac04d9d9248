import { execFile } from 'node:child_process';
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { buildFunctions, functionNames, isBuildFresh } from '../../../cli/local/build.ts';
import * as iconv from '../../../cli/local/replacements/iconv-lite.ts';
import { temporaryFolder, writeFiles } from './fixture-functions.ts';

const PROJECT_ROOT = join(import.meta.dirname, '../../..');

const SOURCES = {
  'functions/predict/handler.ts': `
    import { fruit } from '../../shared/fruit.ts';
    export async function handler(event: { heavy?: boolean }): Promise<unknown> {
      if (!event.heavy) return fruit;
      const { heavy } = await import('../../shared/heavy.ts');
      return heavy.length;
    }`,
  'functions/train/handler.ts': `export const handler = async (): Promise<string> => require('node:os').EOL;`,
  'functions/train/notes.txt': 'not a function',
  'functions/draft/train.ts': 'export {};',
  'shared/fruit.ts': `export const fruit: string = 'fig';`,
  'shared/heavy.ts': `export const heavy = ${JSON.stringify('x'.repeat(50_000))};`,
};

async function writeProject() {
  const root = await temporaryFolder();
  await writeFiles(root, SOURCES);
  for (const [path, text] of Object.entries(SOURCES)) await change(join(root, path), text);
  const outdir = join(root, 'dist');
  return { root, outdir, build: (options = {}) => buildFunctions({ root, outdir, ...options }) };
}

async function importHandler(bundle: string): Promise<(event: object) => Promise<unknown>> {
  return (await import(`${pathToFileURL(bundle).href}?${Math.random()}`)).handler;
}

/** Saves a file as if a minute ago: what is as young as the build itself is never taken for current. */
async function change(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await utimes(path, new Date(), new Date(Date.now() - 60_000));
}

describe('buildFunctions', () => {
  it('names the sources of the built-in adapters in every bundle that has them, alike, until one of these changes', async () => {
    const { root, build } = await writeProject();
    const withAdapters = `
      import { builtIn } from '../../adapters/registry.ts';
      declare const MODELFN_BUILT_IN_DIGEST: string;
      export const handler = async (): Promise<string> => builtIn && MODELFN_BUILT_IN_DIGEST;`;
    await writeFiles(root, {
      'functions/predict/handler.ts': withAdapters,
      'functions/train/handler.ts': `${withAdapters}\nexport const more = 1;`,
      'adapters/registry.ts': `export { fruit as builtIn } from '../shared/fruit.ts';`,
    });
    const digests = async () => {
      const built = await build({ clean: true });
      return Promise.all(built.map(async ({ bundle }) => (await importHandler(bundle))({})));
    };

    const [predict, train] = await digests();
    await change(join(root, 'shared/fruit.ts'), `export const fruit: string = 'date';`);
    const [changed] = await digests();

    expect(predict).toMatch(/^[0-9a-f]{16}$/);
    expect(train).toBe(predict);
    expect(changed).toMatch(/^[0-9a-f]{16}$/);
    expect(changed).not.toBe(predict);
  });

  it('bundles every folder with a handler on its own', async () => {
    const { root, build } = await writeProject();

    const built = await build();

    expect(built.map(({ name, rebuilt }) => [name, rebuilt])).toEqual([
      ['predict', true],
      ['train', true],
    ]);
    expect(await functionNames(root)).toEqual(['predict', 'train']);
    const [predict, train] = await Promise.all(built.map(({ bundle }) => importHandler(bundle)));
    await rm(join(root, 'shared'), { recursive: true });
    expect(await predict!({})).toBe('fig');
    expect(await train!({})).toBe('\n');
  });

  it('keeps what is imported on demand out of what a cold start reads', async () => {
    const { build } = await writeProject();

    const [predict] = await build({ names: ['predict'] });

    expect(predict!.eagerBytes).toBeLessThan(1_000);
    expect(predict!.lazyBytes).toBeGreaterThan(50_000);
    expect(await (await importHandler(predict!.bundle))({ heavy: true })).toBe(50_000);
  });

  it('leaves a current bundle alone, and builds it again when an input changed or an output is gone', async () => {
    const { root, outdir, build } = await writeProject();
    const [predict] = await build();
    const before = await stat(predict!.bundle, { bigint: true });

    expect((await build()).map(({ rebuilt }) => rebuilt)).toEqual([false, false]);
    expect((await stat(predict!.bundle, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
    expect(await isBuildFresh({ root, outdir }, 'predict')).toBe(true);

    await change(join(root, 'shared/fruit.ts'), `export const fruit: string = 'date';`);
    expect(await isBuildFresh({ root, outdir }, 'predict')).toBe(false);
    expect((await build()).map(({ rebuilt }) => rebuilt)).toEqual([true, false]);
    expect(await (await importHandler(predict!.bundle))({})).toBe('date');

    await rm(join(outdir, 'train/index.mjs'));
    expect((await build()).map(({ rebuilt }) => rebuilt)).toEqual([false, true]);
  });

  it('keeps the chunks of an earlier build for servers that run, until a clean build', async () => {
    const { root, outdir, build } = await writeProject();
    const [predict] = await build({ names: ['predict'] });
    const running = await importHandler(predict!.bundle);

    await change(join(root, 'shared/heavy.ts'), `export const heavy = 'light';`);
    await build();
    expect(await running({ heavy: true })).toBe(50_000);

    await build({ clean: true });
    const scripts = (await readdir(join(outdir, 'predict'))).filter((name) => name.endsWith('.mjs'));
    expect(scripts).toHaveLength((await referencedScripts(predict!.bundle)).size);
    expect(await (await importHandler(predict!.bundle))({ heavy: true })).toBe(5);
  });

  it('gives the same bytes for the same source', async () => {
    const first = await writeProject();
    const second = await writeProject();
    const [one] = await first.build({ names: ['predict'] });
    const [two] = await second.build({ names: ['predict'] });
    expect(await readFile(two!.bundle)).toEqual(await readFile(one!.bundle));
  });

  it('may run in several processes at once, while others import what it writes', async () => {
    const { root, outdir, build } = await writeProject();
    await build();
    const buildModule = pathToFileURL(join(PROJECT_ROOT, 'cli/local/build.ts')).href;
    const script = (letter: string) => `
      import { renameSync, writeFileSync } from 'node:fs';
      import { buildFunctions } from ${JSON.stringify(buildModule)};
      const [root, outdir] = ${JSON.stringify([root, outdir])};
      for (let round = 0; round < 8; round += 1) {
        writeFileSync(root + '/${letter}', 'export const heavy = "${letter}" + "' + String(round).repeat(49_999) + '";');
        renameSync(root + '/${letter}', root + '/shared/heavy.ts');
        await buildFunctions({ root, outdir });
      }`;
    const builders = ['a', 'b'].map((letter) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script(letter)]),
    );
    let building = true;
    const done = Promise.all(builders).finally(() => {
      building = false;
    });
    while (building) {
      const text = await readFile(join(outdir, 'predict/index.mjs'), 'utf8');
      expect(text).toContain('sourceMappingURL');
      expect(await (await importHandler(join(outdir, 'predict/index.mjs')))({ heavy: true })).toBe(50_000);
    }
    await done;
    expect((await readdir(outdir)).sort()).toEqual([
      'predict',
      'predict.build.json',
      'train',
      'train.build.json',
    ]);
  });

  it('names file, line and problem of source that cannot be bundled, and leaves the earlier bundle', async () => {
    const { root, build } = await writeProject();
    const [predict] = await build({ names: ['predict'] });
    await change(join(root, 'shared/fruit.ts'), `import './nowhere.ts';`);

    await expect(build({ names: ['predict'] })).rejects.toMatchObject({
      code: 'BuildFailed',
      details: { functionName: 'predict' },
      message: expect.stringMatching(/shared\/fruit\.ts:1:7: Could not resolve ".\/nowhere.ts"/),
    });

    expect(await (await importHandler(predict!.bundle))({})).toBe('fig');
  });

  it('tells of a folder it cannot write to', async () => {
    const { root, build } = await writeProject();
    await writeFile(join(root, 'dist'), 'a file');
    await expect(build({ names: ['predict'] })).rejects.toMatchObject({ code: 'BuildFailed' });
  });

  it('names the functions there are when asked for another', async () => {
    const { build } = await writeProject();
    await expect(build({ names: ['../predict'] })).rejects.toMatchObject({
      code: 'FunctionNotFound',
      details: { functions: ['predict', 'train'] },
    });
  });
});

describe('what stands in for the tables that Express brings along', () => {
  it('knows only types that the whole table knows, with the same extensions first', async () => {
    const require = createRequire(import.meta.url);
    const whole = require('mime-db') as Record<string, { charset?: string; extensions?: string[] }>;
    const path = join(PROJECT_ROOT, 'cli/local/replacements/mime-db.json');
    const ours = JSON.parse(await readFile(path, 'utf8')) as typeof whole;

    for (const [type, { charset, extensions = [] }] of Object.entries(ours)) {
      expect(whole[type], type).toBeDefined();
      expect(charset, type).toBe(whole[type]!.charset);
      for (const extension of extensions) expect(whole[type]!.extensions, type).toContain(extension);
    }
  });

  it('decodes what Express asks for, whole and in pieces', () => {
    const bytes = Buffer.from('grüße');
    expect(iconv.decode(bytes, 'utf-8')).toBe('grüße');
    expect(iconv.decode(Buffer.from('grüße', 'latin1'), 'iso-8859-1')).toBe('grüße');
    const decoder = iconv.getDecoder('utf-8');
    expect([...bytes].map((byte) => decoder.write(Buffer.from([byte]))).join('') + decoder.end()).toBe(
      'grüße',
    );
    expect(iconv.encodingExists('utf-16le')).toBe(true);
    expect(iconv.encodingExists('klingon')).toBe(false);
    expect(() => iconv.getDecoder('klingon')).toThrow(/^Encoding not recognized: /);
  });

  it('makes an Express application small, and it still reads and answers', async () => {
    const root = await temporaryFolder();
    const { resolve } = createRequire(import.meta.url);
    await writeFiles(root, {
      'functions/web/handler.ts': `
        import express from ${JSON.stringify(resolve('express'))};
        import serverless from ${JSON.stringify(resolve('serverless-http'))};
        const app = express();
        app.post('/echo', express.json(), (request, response) => void response.type('css').json(request.body));
        export const handler = serverless(app);`,
    });

    const [web] = await buildFunctions({ root, outdir: join(root, 'dist') });
    const handler = await importHandler(web!.bundle);
    const answer = await handler({
      version: '2.0',
      rawPath: '/echo',
      rawQueryString: '',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      requestContext: { http: { method: 'POST', path: '/echo', sourceIp: '127.0.0.1' } },
      body: '{"word":"grüße"}',
      isBase64Encoded: false,
    });

    expect(web!.eagerBytes).toBeLessThan(350_000);
    expect(answer).toMatchObject({
      statusCode: 200,
      body: '{"word":"grüße"}',
      headers: { 'content-type': 'text/css; charset=utf-8' },
    });
  });
});

/** The entry and all scripts it names, directly or through others. */
async function referencedScripts(entry: string): Promise<Set<string>> {
  const found = new Set<string>([entry]);
  for (const path of found) {
    const text = await readFile(path, 'utf8');
    for (const [, name] of text.matchAll(/["']\.\/([\w-]+\.mjs)["']/g)) found.add(join(path, '..', name!));
  }
  return found;
}
