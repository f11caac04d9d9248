import { type Edge, edgesFrom, importsOf, packageOf } from './imports.ts';
import type { Rule } from './rule.ts';
import { codePaths, isIn, type SourceTree } from './source-tree.ts';

/** What a room must not import, and why. A path that ends with a slash is a folder. */
interface Arrow {
  readonly from: readonly string[];
  readonly never: readonly string[];
  readonly except?: readonly string[];
  readonly why: string;
}

/** The contracts that all of shared/ speaks of; they are imported for their types alone. */
const ADAPTER_CONTRACT = [
  'adapters/model-adapter.ts',
  'adapters/built-in-adapters.ts',
  'adapters/service-runner.ts',
];

const ABOVE_SHARED = ['functions/', 'cli/', 'bench/', 'examples/', 'test/'];

const ARROWS: readonly Arrow[] = [
  { from: ['shared/'], never: ABOVE_SHARED, why: 'arrows point at shared/, never out of it' },
  {
    from: ['shared/'],
    never: ['adapters/'],
    except: ADAPTER_CONTRACT,
    why: 'shared/ knows the adapter contract and no adapter; built-in ones are handed in by the handler',
  },
  {
    from: ['adapters/'],
    never: [
      'functions/',
      'cli/',
      'bench/',
      'test/',
      'shared/api/',
      'shared/invoke/',
      'shared/catalog/',
      'shared/store/',
      'shared/resolve/',
    ],
    why: 'an adapter is handed what it works with, and could be given away',
  },
  {
    from: ['functions/'],
    never: ['cli/', 'bench/', 'examples/', 'test/'],
    why: 'functions are deployed without them',
  },
  {
    from: ['cli/'],
    never: ['functions/', 'bench/', 'test/'],
    why: 'the command line runs the built bundles',
  },
  {
    from: ['shared/content/'],
    never: ['shared/'],
    except: ['shared/content/', 'shared/clock.ts', 'shared/errors.ts', 'shared/json.ts', 'shared/ids.ts'],
    why: 'contents lie below everything else',
  },
  {
    from: [
      'shared/entities/',
      'shared/query/',
      'shared/store/',
      'shared/buckets/',
      'shared/codebases/',
      'shared/formats/',
    ],
    never: [
      'shared/platform.ts',
      'shared/open-platform.ts',
      'shared/api/',
      'shared/catalog/',
      'shared/invoke/',
      'shared/snapshots/',
    ],
    why: 'a driver is handed what it needs by whoever opens it',
  },
];

/** Packages that only these places may import: each costs a cold start, or is the business of one room. */
const PACKAGE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  express: ['shared/invoke/callers/http.ts', 'shared/api/', 'shared/http/', 'test/'],
  'serverless-http': ['shared/invoke/callers/http.ts', 'functions/api/', 'test/'],
  commander: ['cli/', 'test/'],
  kysely: ['shared/store/', 'shared/query/', 'test/'],
  '@google-cloud/storage': ['shared/buckets/', 'shared/codebases/', 'shared/gcs/', 'bench/', 'test/'],
  saxes: ['shared/formats/', 'test/'],
  'isomorphic-git': ['shared/buckets/', 'shared/codebases/', 'shared/git/', 'test/'],
};

/** Imports follow the arrows of docs/ARCHITECTURE.md. */
export const importsFollowTheArrows: Rule = (tree) =>
  edges(tree).flatMap(({ from, to, line }) =>
    ARROWS.filter(
      (arrow) => isIn(from, arrow.from) && isIn(to, arrow.never) && !isIn(to, arrow.except ?? []),
    ).map(({ why }) => `${from}:${line} imports ${to}: ${why}.`),
  );

/** What shared/ takes from the adapter contract is gone when types are stripped: no bundle gets it from there. */
export const adapterContractIsTypesInShared: Rule = (tree) =>
  edges(tree)
    .filter(({ from, to, typeOnly }) => from.startsWith('shared/') && isIn(to, ADAPTER_CONTRACT) && !typeOnly)
    .map(
      ({ from, to, line }) =>
        `${from}:${line} imports a value of ${to}: shared/ takes its types only, write "import type".`,
    );

/** A function reaches another one by a call, not by an import. */
export const functionsAreApart: Rule = (tree) =>
  edges(tree)
    .filter(({ from, to }) => from.startsWith('functions/') && to.startsWith('functions/'))
    .filter(({ from, to }) => roomOf(from) !== roomOf(to))
    .map(
      ({ from, to, line }) =>
        `${from}:${line} imports ${to}, of another function: move what both need to shared/.`,
    );

/** Only the registry knows the built-in adapters; bench and tests may look at them. */
export const adaptersAreKnownByTheRegistry: Rule = (tree) => {
  const concrete = new Set(
    edgesFrom(tree, 'adapters/registry.ts')
      .map(({ to }) => roomOf(to))
      .filter((room) => /^adapters\/./.test(room)),
  );
  return edges(tree)
    .filter(({ to }) => concrete.has(roomOf(to)))
    .filter(
      ({ from, to }) =>
        roomOf(from) !== roomOf(to) &&
        !isIn(from, ['adapters/registry.ts', 'adapters/settings-registry.ts', 'bench/', 'test/']),
    )
    .map(
      ({ from, to, line }) =>
        `${from}:${line} imports ${to}: ask adapters/registry.ts for the adapter instead.`,
    );
};

/** Heavy packages are imported where they belong. */
export const packagesStayInTheirRooms: Rule = (tree) =>
  codePaths(tree).flatMap((path) =>
    importsOf(tree.text(path)).flatMap(({ specifier, line, typeOnly }) => {
      const rooms = PACKAGE_ROOMS[packageOf(specifier) ?? ''];
      if (rooms === undefined || typeOnly || isIn(path, rooms)) return [];
      return [
        `${path}:${line} imports ${specifier}, which belongs to ${rooms.filter((room) => room !== 'test/').join(', ')}.`,
      ];
    }),
  );

/** Every import of a file leads to a file. */
export const importsAreThere: Rule = (tree) =>
  edges(tree)
    .filter(({ to }) => !tree.paths.includes(to))
    .map(({ from, to, line }) => `${from}:${line} imports ${to}, which is not there.`);

function edges(tree: SourceTree): Edge[] {
  return codePaths(tree).flatMap((path) => edgesFrom(tree, path));
}

/** The folder of two names a file lies in, as `functions/predict` or `adapters/svm`; one name where that is all. */
function roomOf(path: string): string {
  return path.split('/').slice(0, -1).slice(0, 2).join('/');
}
