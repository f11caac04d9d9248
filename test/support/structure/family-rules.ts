import { edgesFrom } from './imports.ts';
import type { Rule } from './rule.ts';
import { codePaths, isIn, type SourceTree } from './source-tree.ts';

/** Files that keep one contract, and the one file that knows them. */
interface Family {
  readonly folder: string;
  readonly registry: string;
  /** What the source of a driver has and no other file. */
  readonly driver: RegExp;
  /** The suite that every driver runs; `undefined` where callers of different shape have tests of their own. */
  readonly contract?: string;
}

const FAMILIES: readonly Family[] = [
  {
    folder: 'shared/buckets/',
    registry: 'shared/buckets/registry.ts',
    driver: /\bimplements Bucket\b/,
    contract: 'test/contracts/bucket.contract.ts',
  },
  {
    folder: 'shared/codebases/',
    registry: 'shared/codebases/registry.ts',
    driver: /\bimplements Codebase\b/,
    contract: 'test/contracts/codebase.contract.ts',
  },
  {
    folder: 'shared/store/',
    registry: 'shared/store/registry.ts',
    driver: /\bimplements EntityStore\b/,
    contract: 'test/contracts/store.contract.ts',
  },
  {
    folder: 'shared/formats/',
    registry: 'shared/formats/registry.ts',
    driver: /\bimplements AnnotationFormat\b/,
    contract: 'test/contracts/format.contract.ts',
  },
  {
    folder: 'shared/invoke/callers/',
    registry: 'shared/invoke/handler.ts',
    driver: /^export (async )?function (callFrom|create\w*Caller)/m,
  },
];

/** A driver that neither the registry nor a driver of the family leads to is a driver nobody can ask for. */
export const driversAreRegistered: Rule = (tree) =>
  FAMILIES.flatMap(({ folder, registry, driver }) => {
    const known = reachedFrom(tree, registry, folder);
    return driversOf(tree, folder, driver)
      .filter((path) => !known.has(path))
      .map((path) => `${path} is a driver without an entry: add a line to ${registry}.`);
  });

/** Whoever wants a bucket, a codebase, a store or a caller asks the registry; tests and bench may look behind it. */
export const driversAreKnownByTheirRegistry: Rule = (tree) =>
  FAMILIES.flatMap(({ folder, registry, driver }) => {
    const drivers = new Set([...driversOf(tree, folder, driver), ...loadedBy(tree, registry, folder)]);
    return codePaths(tree)
      .filter((path) => !isIn(path, [folder, registry, 'test/', 'bench/']))
      .flatMap((path) => edgesFrom(tree, path))
      .filter(({ to, typeOnly }) => drivers.has(to) && !typeOnly)
      .map(({ from, to, line }) => `${from}:${line} imports the driver ${to}: ask ${registry} for it.`);
  });

/** Every kind of a registry is opened by a test that runs the family's suite. */
export const driversRunTheirContract: Rule = (tree) =>
  FAMILIES.flatMap(({ folder, registry, contract }) => {
    if (contract === undefined) return [];
    const tests = codePaths(tree).filter((path) => edgesFrom(tree, path).some(({ to }) => to === contract));
    return loadedBy(tree, registry, folder).flatMap((path) => {
      const kind = path.slice(folder.length).replace(/\.ts$/, '');
      const opener = new RegExp(`(^|[\\s{,])'?${kind}'?: (async )?\\(|Contract\\('${kind}'`, 'm');
      if (tests.some((test) => opener.test(tree.text(test)))) return [];
      return [
        `${path} is loaded by ${registry}, and no test opens "${kind}" for ${contract}: add an opener.`,
      ];
    });
  });

function driversOf(tree: SourceTree, folder: string, driver: RegExp): string[] {
  return codePaths(tree).filter((path) => path.startsWith(folder) && driver.test(tree.text(path)));
}

/** The registry, and the files of the family's folder that its imports lead to. Types alone lead nowhere. */
function reachedFrom(tree: SourceTree, registry: string, folder: string): Set<string> {
  const reached = new Set([registry]);
  for (const path of reached)
    for (const { to, typeOnly } of edgesFrom(tree, path))
      if (!typeOnly && to.startsWith(folder)) reached.add(to);
  return reached;
}

/** Files of the family that its registry loads when they are asked for: one a kind, named by it. */
function loadedBy(tree: SourceTree, registry: string, folder: string): string[] {
  return edgesFrom(tree, registry)
    .filter(({ to, dynamic }) => dynamic && to.startsWith(folder))
    .map(({ to }) => to);
}
