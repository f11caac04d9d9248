import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { CliIo } from '../cli/io.ts';
import {
  adapterContractIsTypesInShared,
  adaptersAreKnownByTheRegistry,
  functionsAreApart,
  importsAreThere,
  importsFollowTheArrows,
  packagesStayInTheirRooms,
} from './support/structure/arrow-rules.ts';
import { readCommandTable } from './support/structure/command-table.ts';
import {
  documentedCommandsAreThere,
  linksLeadSomewhere,
  namedPathsAreThere,
  settingsAreTold,
} from './support/structure/document-rules.ts';
import {
  driversAreKnownByTheirRegistry,
  driversAreRegistered,
  driversRunTheirContract,
} from './support/structure/family-rules.ts';
import {
  environmentIsReadInOnePlace,
  exportsAreNamed,
  filesAreNamedByTheirIdea,
  functionsAreDeployed,
  handlersFitAScreen,
} from './support/structure/file-rules.ts';
import { edgesFrom, importsOf } from './support/structure/imports.ts';
import {
  dependenciesAreExplained,
  dependenciesAreUsed,
  importsAreListed,
  lockNamesNoHost,
  versionsAreExact,
} from './support/structure/package-rules.ts';
import type { Rule } from './support/structure/rule.ts';
import { codePaths, readTree, treeOf } from './support/structure/source-tree.ts';
import { machinesAreNotNamed, nothingIsLeftOver } from './support/structure/text-rules.ts';

const ROOT = join(import.meta.dirname, '..');
const TREE = readTree(ROOT);
const NOWHERE: CliIo = {
  stdout: { write: () => undefined },
  stderr: { write: () => undefined },
  isTTY: false,
  env: {},
  cwd: ROOT,
  now: Date.now,
  interrupted: new AbortController().signal,
};
const commandsAreThere = documentedCommandsAreThere(await readCommandTable(NOWHERE));

type Files = Readonly<Record<string, string>>;
const handler = (lines: number) => 'export const x = 1;\n'.repeat(lines);
const manifest = (fields: object) => JSON.stringify({ name: 'modelfn', ...fields });
const bucketRegistry = (...kinds: string[]) =>
  kinds.map((kind) => `const ${kind} = () => import('./${kind}.ts');`).join('\n');
const bucket = 'export class SomeBucket implements Bucket {}';
const bucketTest = (kind: string) =>
  `import { bucketContract } from '../contracts/bucket.contract.ts';\nconst OPENERS = {\n  ${kind}: async () => open(),\n};`;
const mark = ['TO', 'DO'].join('');
/** How a hole in a template begins. */
const HOLE = '$' + '{';
const home = ['', 'home', 'someone', 'x'].join('/');

/**
 * Each rule by the sentence it keeps, a small tree that breaks it and the words it then says, and one that is right
 * although it looks alike.
 */
const RULES: readonly { keeps: string; rule: Rule; breaks: Files; says: string; allows: Files }[] = [
  {
    keeps: 'imports follow the arrows',
    rule: importsFollowTheArrows,
    breaks: { 'shared/log.ts': "import { x } from '../functions/predict/predict.ts';" },
    says: 'shared/log.ts:1 imports functions/predict/predict.ts: arrows point at shared/',
    allows: { 'functions/predict/predict.ts': "import { log } from '../../shared/log.ts';" },
  },
  {
    keeps: 'shared/ knows no adapter, not even by type',
    rule: importsFollowTheArrows,
    breaks: { 'shared/run.ts': "import type { S } from '../adapters/svm/svm-adapter.ts';" },
    says: 'shared/run.ts:1 imports adapters/svm/svm-adapter.ts: shared/ knows the adapter contract and no adapter',
    allows: { 'shared/run.ts': "import type { ModelAdapter } from '../adapters/model-adapter.ts';" },
  },
  {
    keeps: 'an adapter could be given away',
    rule: importsFollowTheArrows,
    breaks: { 'adapters/svm/a.ts': "export { invoke } from '../../shared/invoke/invoke.ts';" },
    says: 'adapters/svm/a.ts:1 imports shared/invoke/invoke.ts: an adapter is handed what it works with',
    allows: { 'adapters/svm/a.ts': "import { ModelfnError } from '../../shared/errors.ts';" },
  },
  {
    keeps: 'the foundations import nothing from above',
    rule: importsFollowTheArrows,
    breaks: { 'shared/buckets/gcs.ts': "import type { Platform } from '../platform.ts';" },
    says: 'shared/buckets/gcs.ts:1 imports shared/platform.ts: a driver is handed what it needs',
    allows: { 'shared/catalog/models.ts': "import type { Platform } from '../platform.ts';" },
  },
  {
    keeps: 'shared/ takes types of the adapter contract, no values',
    rule: adapterContractIsTypesInShared,
    breaks: { 'shared/run.ts': "import { isModelAdapter } from '../adapters/model-adapter.ts';" },
    says: 'shared/run.ts:1 imports a value of adapters/model-adapter.ts',
    allows: { 'shared/run.ts': "import type { ModelAdapter } from '../adapters/model-adapter.ts';" },
  },
  {
    keeps: 'functions do not import each other',
    rule: functionsAreApart,
    breaks: { 'functions/train/train.ts': "const x = await import('../predict/predict.ts');" },
    says: 'functions/train/train.ts:1 imports functions/predict/predict.ts, of another function',
    allows: { 'functions/api/routes/items.ts': "import { body } from '../body.ts';" },
  },
  {
    keeps: 'concrete adapters are known by their registry alone',
    rule: adaptersAreKnownByTheRegistry,
    breaks: {
      'adapters/registry.ts': "load = () => import('./svm/svm-adapter.ts');",
      'cli/demo.ts': "import type { Svm } from '../adapters/svm/svm-adapter.ts';",
    },
    says: 'cli/demo.ts:1 imports adapters/svm/svm-adapter.ts: ask adapters/registry.ts',
    allows: {
      'adapters/registry.ts': "load = () => import('./svm/svm-adapter.ts');",
      'adapters/svm/svm-adapter.ts': "import { smo } from './smo.ts';",
      'cli/check.ts': "import { checks } from '../adapters/conformance/checks.ts';",
    },
  },
  {
    keeps: 'heavy packages stay in their rooms',
    rule: packagesStayInTheirRooms,
    breaks: { 'shared/invoke/handler.ts': "import express from 'express';" },
    says: 'shared/invoke/handler.ts:1 imports express, which belongs to shared/invoke/callers/http.ts',
    allows: {
      'shared/invoke/callers/http.ts': "import express from 'express';",
      'cli/x.ts': "import type { Express } from 'express';",
    },
  },
  {
    keeps: 'imports lead to files',
    rule: importsAreThere,
    breaks: { 'shared/a.ts': "import './b.ts';" },
    says: 'shared/a.ts:1 imports shared/b.ts, which is not there',
    allows: { 'shared/a.ts': "// import './b.ts'\nimport './c.ts';", 'shared/c.ts': '' },
  },
  {
    keeps: 'a driver has an entry in its registry',
    rule: driversAreRegistered,
    breaks: {
      'shared/buckets/registry.ts': `import type { SomeBucket } from './gcs.ts';\n${bucketRegistry('local')}`,
      'shared/buckets/gcs.ts': bucket,
    },
    says: 'shared/buckets/gcs.ts is a driver without an entry: add a line to shared/buckets/registry.ts',
    allows: {
      'shared/buckets/registry.ts': bucketRegistry('gcs'),
      'shared/buckets/gcs.ts': `import { Part } from './gcs-part.ts';\n${bucket}`,
      'shared/buckets/gcs-part.ts': 'export class Part implements Bucket {}',
      'shared/buckets/gcs-errors.ts': 'export class GcsError {}',
    },
  },
  {
    keeps: 'a caller is known to the handler',
    rule: driversAreRegistered,
    breaks: {
      'shared/invoke/handler.ts': '',
      'shared/invoke/callers/kafka.ts': 'export async function callFromKafka() {}',
    },
    says: 'shared/invoke/callers/kafka.ts is a driver without an entry: add a line to shared/invoke/handler.ts',
    allows: {
      'shared/invoke/handler.ts': '',
      'shared/invoke/callers/payload.ts': 'export function readCall() {}',
    },
  },
  {
    keeps: 'concrete drivers are known by their registry alone',
    rule: driversAreKnownByTheirRegistry,
    breaks: {
      'shared/store/registry.ts': "open = () => import('./sqlite.ts');",
      'shared/store/sqlite.ts': 'class SqliteStore implements EntityStore {}',
      'cli/session.ts': "const { openSqliteStore } = await import('../shared/store/sqlite.ts');",
    },
    says: 'cli/session.ts:1 imports the driver shared/store/sqlite.ts: ask shared/store/registry.ts for it',
    allows: {
      'shared/store/registry.ts': "open = () => import('./sqlite.ts');",
      'shared/store/sqlite.ts': 'class SqliteStore implements EntityStore {}',
      'cli/session.ts': "import { openStore } from '../shared/store/registry.ts';",
    },
  },
  {
    keeps: 'a driver runs the suite of its family',
    rule: driversRunTheirContract,
    breaks: {
      'shared/buckets/registry.ts': bucketRegistry('local', 'gcs'),
      'test/shared/buckets.test.ts': bucketTest('local'),
    },
    says: 'no test opens "gcs" for test/contracts/bucket.contract.ts',
    allows: {
      'shared/buckets/registry.ts': bucketRegistry('gcs'),
      'test/shared/buckets.test.ts': bucketTest('gcs'),
    },
  },
  {
    keeps: 'handlers fit a screen',
    rule: handlersFitAScreen,
    breaks: { 'functions/predict/handler.ts': handler(41) },
    says: 'functions/predict/handler.ts has 41 lines',
    allows: { 'functions/predict/handler.ts': handler(40), 'functions/predict/predict.ts': handler(100) },
  },
  {
    keeps: 'a function is deployed',
    rule: functionsAreDeployed,
    breaks: { 'functions/predict/handler.ts': '', 'serverless.yml': 'functions:\n' },
    says: 'functions/predict/ is not in serverless.yml',
    allows: {
      'functions/predict/handler.ts': '',
      'serverless.yml': 'functions:\n  predict:\n    handler: dist/predict/index.handler\n',
    },
  },
  {
    keeps: 'a folder of functions/ is a function',
    rule: functionsAreDeployed,
    breaks: {
      'functions/shared/body.ts': '',
      'serverless.yml': '    handler: dist/shared/index.handler\n',
    },
    says: 'functions/shared/ has no handler.ts',
    allows: { 'serverless.yml': '' },
  },
  {
    keeps: 'files are named by their idea',
    rule: filesAreNamedByTheirIdea,
    breaks: { 'shared/utils.ts': '' },
    says: 'shared/utils.ts has a name that says nothing',
    allows: { 'shared/json.ts': '', 'shared/utilisation.ts': '', 'shared/misconfigured.ts': '' },
  },
  {
    keeps: 'folders are named by their idea',
    rule: filesAreNamedByTheirIdea,
    breaks: { 'shared/helpers/time.ts': '' },
    says: 'shared/helpers/time.ts has a name that says nothing',
    allows: { 'shared/clock/time.ts': '' },
  },
  {
    keeps: 'exports have names',
    rule: exportsAreNamed,
    breaks: { 'shared/a.ts': 'export default class A {}' },
    says: 'shared/a.ts:1 has a default export',
    allows: {
      'shared/a.ts': "import { default as b } from './b.ts'; const text = 'export default'; export { b };",
      'vitest.config.ts': 'export default {};',
    },
  },
  {
    keeps: 'exports are not renamed to a default',
    rule: exportsAreNamed,
    breaks: { 'shared/a.ts': 'const a = 1;\nexport { a as default };' },
    says: 'shared/a.ts:2 has a default export',
    allows: { 'shared/a.ts': 'switch (x) { default: break; }' },
  },
  {
    keeps: 'the environment is read in one place',
    rule: environmentIsReadInOnePlace,
    breaks: { 'shared/log.ts': 'const level = process.env.LEVEL;' },
    says: 'shared/log.ts:1 reads the environment',
    allows: { 'shared/config.ts': 'process.env', 'shared/a.ts': '// process.env\nconst env = worker.env;' },
  },
  {
    keeps: 'the environment is not taken apart elsewhere',
    rule: environmentIsReadInOnePlace,
    breaks: { 'cli/a.ts': 'const { env } = process;' },
    says: 'cli/a.ts:1 reads the environment',
    allows: { 'cli/a.ts': 'const { env } = io;' },
  },
  {
    keeps: 'the environment is not imported elsewhere',
    rule: environmentIsReadInOnePlace,
    breaks: { 'cli/a.ts': "import { env } from 'node:process';" },
    says: 'cli/a.ts:1 reads the environment',
    allows: { 'cli/a.ts': "import { argv } from 'node:process';" },
  },
  {
    keeps: 'nothing is left over',
    rule: nothingIsLeftOver,
    breaks: { 'shared/a.ts': `// ${mark}: finish` },
    says: `shared/a.ts:1 has a ${mark}`,
    allows: { 'shared/a.ts': '// what is to do' },
  },
  {
    keeps: 'no machine is named',
    rule: machinesAreNotNamed,
    breaks: { 'docs/a.md': `see ${home}` },
    says: 'docs/a.md:1 names the folder /home/',
    allows: { 'docs/a.md': 'see `<home>/cache`, https://host/home/page, and /home itself' },
  },
  {
    keeps: 'imported packages are listed',
    rule: importsAreListed,
    breaks: { 'package.json': manifest({}), 'shared/a.ts': "import { z } from 'zod/mini';" },
    says: 'shared/a.ts:1 imports zod, which package.json does not list',
    allows: {
      'package.json': manifest({ dependencies: { zod: '1.0.0' } }),
      'shared/a.ts': "import { z } from 'zod/mini'; import 'node:fs'; const text = `\nimport 'left-pad';`;",
      'examples/a.ts': "import { ModelAdapter } from 'modelfn';",
    },
  },
  {
    keeps: 'deployed code imports no dev dependency',
    rule: importsAreListed,
    breaks: {
      'package.json': manifest({ devDependencies: { vitest: '1.0.0' } }),
      'shared/a.ts': "import { it } from 'vitest';",
    },
    says: 'shared/a.ts:1 imports vitest, a dev dependency, in code that is deployed',
    allows: {
      'package.json': manifest({ devDependencies: { vitest: '1.0.0' } }),
      'test/a.test.ts': "import { it } from 'vitest';",
    },
  },
  {
    keeps: 'listed packages are used',
    rule: dependenciesAreUsed,
    breaks: { 'package.json': manifest({ dependencies: { 'left-pad': '1.0.0' } }) },
    says: 'package.json lists left-pad, and no file imports it',
    allows: {
      'package.json': manifest({
        scripts: { typecheck: 'tsc --noEmit' },
        devDependencies: { typescript: '1.0.0', '@types/express': '1.0.0' },
      }),
      'package-lock.json': JSON.stringify({
        packages: { 'node_modules/typescript': { bin: { tsc: 'bin/tsc' } } },
      }),
      'functions/api/app.ts': "import express from 'express';",
    },
  },
  {
    keeps: 'the lockfile names no host',
    rule: lockNamesNoHost,
    breaks: { 'package-lock.json': '{\n"resolved": "https://host.example/x.tgz"\n}' },
    says: 'package-lock.json:2 names a host',
    allows: { 'package-lock.json': '{"integrity": "sha512-x"}' },
  },
  {
    keeps: 'versions are exact',
    rule: versionsAreExact,
    breaks: { 'package.json': manifest({ dependencies: { zod: '^4.0.0' } }) },
    says: 'package.json asks for zod ^4.0.0: name one exact version',
    allows: { 'package.json': manifest({ dependencies: { zod: '4.0.0' } }) },
  },
  {
    keeps: 'dependencies are explained',
    rule: dependenciesAreExplained,
    breaks: {
      'package.json': manifest({ dependencies: { zod: '4.0.1' } }),
      'docs/DEPENDENCIES.md': '# Dependencies\n',
    },
    says: 'docs/DEPENDENCIES.md has no section "### zod 4.0.1"',
    allows: {
      'package.json': manifest({ dependencies: { zod: '4.0.1' } }),
      'docs/DEPENDENCIES.md': '### zod 4.0.1\n\nMIT.\n',
    },
  },
  {
    keeps: 'what is explained is listed',
    rule: dependenciesAreExplained,
    breaks: { 'package.json': manifest({}), 'docs/DEPENDENCIES.md': '### zod 4.0.0\n' },
    says: 'docs/DEPENDENCIES.md has a section "zod 4.0.0", which package.json does not list',
    allows: { 'package.json': manifest({}), 'docs/DEPENDENCIES.md': '## How they are pinned\n' },
  },
  {
    keeps: 'licences of dependencies are told',
    rule: dependenciesAreExplained,
    breaks: {
      'package.json': manifest({ dependencies: { zod: '4.0.1' } }),
      'package-lock.json': JSON.stringify({ packages: { 'node_modules/zod': { license: 'MIT' } } }),
      'docs/DEPENDENCIES.md': '### zod 4.0.1\n\nFast.\n',
    },
    says: 'docs/DEPENDENCIES.md does not say under zod that its licence is MIT',
    allows: { 'package.json': manifest({}) },
  },
  {
    keeps: 'links lead to files',
    rule: linksLeadSomewhere,
    breaks: { 'docs/a.md': 'see [the readme](../README.md)' },
    says: 'docs/a.md links to ../README.md, which is not there',
    allows: { 'docs/a.md': '[r](../README.md) [w](https://x.org) `[c](d.md)`', 'README.md': '' },
  },
  {
    keeps: 'links lead to headings',
    rule: linksLeadSomewhere,
    breaks: { 'README.md': '[s](#settings)\n\n# Options\n' },
    says: 'README.md links to #settings, and README.md has no such heading',
    allows: { 'README.md': '[s](#the-settings)\n\n# The settings\n' },
  },
  {
    keeps: 'paths in documents are there',
    rule: namedPathsAreThere,
    breaks: { 'docs/a.md': 'in `shared/a.ts`' },
    says: 'docs/a.md names shared/a.ts, which is not there',
    allows: { 'docs/a.md': 'in `shared/b.ts`, `shared/` and `shared/<name>.ts`', 'shared/b.ts': '' },
  },
  {
    keeps: 'settings are told',
    rule: settingsAreTold,
    breaks: {
      'shared/settings.ts': 'const SETTINGS = {\n  PORT: { takes: 1 },\n};',
      'README.md': '| `HOST` | x |',
    },
    says: 'README.md says nothing of the setting PORT',
    allows: {
      'shared/settings.ts': 'const SETTINGS = {\n  PORT: { takes: 1 },\n};',
      'README.md': '| `PORT` | x |',
    },
  },
  {
    keeps: 'documented tests are there',
    rule: commandsAreThere,
    breaks: { 'CONTRIBUTING.md': '```sh\nnpx vitest run test/gone.test.ts\n```\n' },
    says: 'there is no test/gone.test.ts to test',
    allows: { 'CONTRIBUTING.md': '```sh\nnpx vitest run test/here\n```\n', 'test/here/a.test.ts': '' },
  },
  {
    keeps: 'documented npm scripts are there',
    rule: commandsAreThere,
    breaks: {
      'README.md': '```sh\nnpm ci && npm strat\n```\n',
      'package.json': manifest({ scripts: { start: '' } }),
    },
    says: 'README.md says "npm strat": there is no npm script strat; the nearest is start',
    allows: {
      'README.md': '```sh\nnpm ci && npm start\n```\n',
      'package.json': manifest({ scripts: { start: '' } }),
    },
  },
  {
    keeps: 'documented commands of modelfn are there',
    rule: commandsAreThere,
    breaks: { 'CONTRIBUTING.md': 'run `npx modelfn datasets uplaod pets ./photos`' },
    says: 'CONTRIBUTING.md says "modelfn datasets uplaod pets ./photos": modelfn datasets has no such verb uplaod',
    allows: { 'CONTRIBUTING.md': 'run `npx modelfn datasets upload pets ./photos --labels-from-folders`' },
  },
  {
    keeps: 'documented options of modelfn are there',
    rule: commandsAreThere,
    breaks: {
      'README.md': '```console\n$ npx modelfn train rbf --sed 7 --filter \'{"a": 1}\'\nTrained.\n```\n',
    },
    says: 'modelfn train has no option --sed',
    allows: {
      'README.md': '```console\n$ npx modelfn train rbf --seed 7 --json\nmodelfn nothing of a command\n```\n',
    },
  },
];

describe('the tree', () => {
  it.each([...new Map(RULES.map((each) => [each.rule, each])).values()])('keeps: $keeps', ({ rule }) => {
    expect(rule(TREE)).toEqual([]);
  });
});

describe('a rule of the tree', () => {
  it.each(RULES)('says what breaks it: $keeps', ({ rule, breaks, says }) => {
    expect(rule(treeOf(breaks))).toEqual([expect.stringContaining(says)]);
  });

  it.each(RULES)('lets pass what only looks alike: $keeps', ({ rule, allows }) => {
    expect(rule(treeOf(allows))).toEqual([]);
  });
});

describe('the scanner of imports', () => {
  it('finds exactly what a bundler finds in every file', async () => {
    const paths = codePaths(TREE).filter((path) => !path.includes('/assembly/'));
    const scanned = paths.flatMap((path) =>
      importsOf(TREE.text(path))
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ specifier }) => `${path} ${specifier}`),
    );

    expect([...new Set(scanned)].sort()).toEqual(await bundlerImports(paths));
  });

  it('is not led astray by comments, texts, templates and regular expressions', () => {
    const source = [
      "// import './comment.ts'",
      "/* export * from './block.ts' */",
      'const text = "import \'./text.ts\'";',
      `const code = \`\nimport './template.ts';\n${HOLE}await import('./hole.ts')}\`;`,
      "const pattern = /['\"`]/.test(x) ? 1 / 2 : /[/'](?<a>`)/u;",
      "import a, { type B } from './named.ts';",
      "import type C from './type.ts';",
      "export * as d from './star.ts';",
      "type E = typeof import('./typeof.ts');",
      'const from = import.meta.dirname; export const f = { from };',
      "import './effect.ts';",
      `await import(\`./${HOLE}name}.ts\`);`,
    ].join('\n');

    const found = importsOf(source);

    expect(found.map(({ specifier, typeOnly, dynamic }) => [specifier, typeOnly, dynamic])).toEqual([
      ['./hole.ts', false, true],
      ['./named.ts', false, false],
      ['./type.ts', true, false],
      ['./star.ts', false, false],
      ['./typeof.ts', true, true],
      ['./effect.ts', false, false],
    ]);
    expect(found.at(-1)!.line).toBe(13);
  });

  it('resolves files against the importing one', () => {
    const tree = treeOf({ 'shared/a/b.ts': "import '../c.ts';\nimport 'zod';" });

    expect(edgesFrom(tree, 'shared/a/b.ts').map(({ to }) => to)).toEqual(['shared/c.ts']);
  });
});

/** `<file> <specifier>` of every import that is left when the types are stripped, sorted. */
async function bundlerImports(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  await build({
    absWorkingDir: ROOT,
    entryPoints: [...paths],
    outdir: 'unwritten',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    plugins: [
      {
        name: 'record-imports',
        setup: ({ onResolve }) =>
          onResolve({ filter: /.*/ }, ({ kind, importer, path }) => {
            if (kind === 'entry-point') return undefined;
            found.add(`${importer.slice(ROOT.length + 1)} ${path}`);
            return { path, external: true };
          }),
      },
    ],
  });
  return [...found].sort();
}
