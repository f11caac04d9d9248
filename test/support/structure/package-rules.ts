import { importsOf, packageOf } from './imports.ts';
import type { Rule } from './rule.ts';
import { codePaths, type SourceTree } from './source-tree.ts';

interface Manifest {
  name: string;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

interface Lock {
  packages?: Record<string, { license?: string; bin?: Record<string, string>; resolved?: string }>;
}

/** Listed, and imported by nothing yet. A line goes as soon as its package is imported. */
export const NOT_IMPORTED_YET: Readonly<Record<string, string>> = {
  jsonata: 'the local runner of state machines imports it',
  osls: 'the package script runs it',
  'asl-validator': 'the test of the state machines imports it',
  '@aws/cloudformation-validate': 'the test of the package imports it',
};

/** Every import of a package is listed: what runs deployed among the dependencies, the rest anywhere. */
export const importsAreListed: Rule = (tree) => {
  const { name, dependencies = {}, devDependencies = {} } = manifestOf(tree);
  return packageImports(tree)
    .filter(({ wanted }) => wanted !== name && !(wanted in dependencies))
    .filter(({ path, wanted, typeOnly }) => {
      if (wanted in devDependencies) return isDeployed(path) && !typeOnly;
      return !(typeOnly && typesOf(wanted) in devDependencies);
    })
    .map(({ path, line, wanted }) =>
      wanted in devDependencies
        ? `${path}:${line} imports ${wanted}, a dev dependency, in code that is deployed: move it to dependencies.`
        : `${path}:${line} imports ${wanted}, which package.json does not list.`,
    );
};

/** Every package that is listed is imported, is a command of a script, or brings the types of one that is. */
export const dependenciesAreUsed: Rule = (tree) => {
  const { scripts = {}, dependencies = {}, devDependencies = {} } = manifestOf(tree);
  const { packages = {} } = lockOf(tree);
  const imported = new Set(packageImports(tree).map(({ wanted }) => wanted));
  const words = new Set(Object.values(scripts).flatMap((script) => script.split(/[\s&|;]+/)));
  const listed = Object.keys({ ...dependencies, ...devDependencies });
  const isUsed = (name: string): boolean =>
    imported.has(name) ||
    Object.keys(packages[`node_modules/${name}`]?.bin ?? {}).some((command) => words.has(command)) ||
    name === '@types/node' ||
    (name.startsWith('@types/') && (imported.has(name.slice('@types/'.length)) || imported.has(name)));
  return [
    ...listed
      .filter((name) => !isUsed(name) && !(name in NOT_IMPORTED_YET))
      .map((name) => `package.json lists ${name}, and no file imports it: remove it.`),
    ...Object.keys(NOT_IMPORTED_YET)
      .filter((name) => imported.has(name))
      .map(
        (name) => `${name} is imported by now: take its line out of NOT_IMPORTED_YET in package-rules.ts.`,
      ),
  ];
};

/** A lockfile holds for every registry: it names versions and digests, and no host. */
export const lockNamesNoHost: Rule = (tree) =>
  tree
    .text('package-lock.json')
    .split('\n')
    .flatMap((text, index) =>
      /"resolved":\s*"[a-z+]+:\/\//.test(text)
        ? [
            `package-lock.json:${index + 1} names a host: take the "resolved" lines out, versions and digests stay.`,
          ]
        : [],
    );

/** Versions are exact: what was tested is what is installed. */
export const versionsAreExact: Rule = (tree) => {
  const { dependencies = {}, devDependencies = {} } = manifestOf(tree);
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json asks for ${name} ${version}: name one exact version.`);
};

/** Each dependency has a section of docs/DEPENDENCIES.md under its name and version, with its licence. */
export const dependenciesAreExplained: Rule = (tree) => {
  const { dependencies = {}, devDependencies = {} } = manifestOf(tree);
  const { packages = {} } = lockOf(tree);
  const all: Record<string, string> = { ...dependencies, ...devDependencies };
  const sections = sectionsOf(tree.text('docs/DEPENDENCIES.md'));
  return [
    ...Object.entries(all).flatMap(([name, version]) => {
      const section = sections.get(`${name} ${version}`);
      if (section === undefined)
        return [
          `docs/DEPENDENCIES.md has no section "### ${name} ${version}": say why it is here and what was refused.`,
        ];
      const licence = packages[`node_modules/${name}`]?.license;
      if (licence === undefined || section.includes(licence)) return [];
      return [`docs/DEPENDENCIES.md does not say under ${name} that its licence is ${licence}.`];
    }),
    ...[...sections.keys()]
      .filter((title) => !Object.entries(all).some(([name, version]) => title === `${name} ${version}`))
      .map((title) => `docs/DEPENDENCIES.md has a section "${title}", which package.json does not list.`),
  ];
};

interface PackageImport {
  path: string;
  line: number;
  wanted: string;
  typeOnly: boolean;
}

/** Imports of packages. The sources of the kernel are AssemblyScript, which has a library of its own. */
function packageImports(tree: SourceTree): PackageImport[] {
  return codePaths(tree)
    .filter((path) => !path.includes('/assembly/'))
    .flatMap((path) =>
      importsOf(tree.text(path)).flatMap(({ specifier, line, typeOnly }) => {
        const wanted = packageOf(specifier);
        return wanted === undefined ? [] : [{ path, line, wanted, typeOnly }];
      }),
    );
}

/** Code that a function's bundle or the command line may hold. Scripts that write generated files are run by developers. */
function isDeployed(path: string): boolean {
  return /^(functions|shared|adapters|cli)\//.test(path) && !/\/build-[\w-]+\.ts$/.test(path);
}

/** `express` -> `@types/express`; of a scoped package nothing is known. */
function typesOf(name: string): string {
  return `@types/${name}`;
}

/** Third-level headings with the text below them. */
function sectionsOf(markdown: string): Map<string, string> {
  const parts = markdown.split(/^### /m).slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')).trim(), part.slice(part.indexOf('\n'))] as const),
  );
}

function manifestOf(tree: SourceTree): Manifest {
  return JSON.parse(tree.text('package.json') || '{"name":""}') as Manifest;
}

function lockOf(tree: SourceTree): Lock {
  return JSON.parse(tree.text('package-lock.json') || '{}') as Lock;
}
