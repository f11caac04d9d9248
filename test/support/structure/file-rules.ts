import type { Rule } from './rule.ts';
import { codePaths, isIn } from './source-tree.ts';
import { tokensOf } from './tokens.ts';

/** Lines of a screen. */
const SCREEN = 40;

/** Who may read the environment: the one reader of settings, the entries that hand it on, and what runs around it. */
const ENVIRONMENT_READERS = ['shared/config.ts', 'cli/main.ts', 'cli/modelfn.mjs', 'test/', 'bench/'];

/** Names that say nothing of what is in the file. */
const EMPTY_NAMES = /(^|\/)(utils?|helpers?|common|misc)(\.[^/]*)?$|[-.](utils?|helpers?)\.[a-z]+$/;

/** A handler is read at one glance: configuration, dependencies, the exported handler. */
export const handlersFitAScreen: Rule = (tree) =>
  tree.paths
    .filter((path) => /^functions\/[^/]+\/handler\.ts$/.test(path))
    .flatMap((path) => {
      const lines = tree.text(path).trimEnd().split('\n').length;
      return lines > SCREEN
        ? [
            `${path} has ${lines} lines, more than the ${SCREEN} of a screen: move what it does to files beside it.`,
          ]
        : [];
    });

/** Every folder of functions/ is a function, and is deployed. */
export const functionsAreDeployed: Rule = (tree) => {
  const folders = new Set(
    tree.paths.filter((path) => /^functions\/[^/]+\//.test(path)).map((path) => path.split('/')[1]!),
  );
  const deployed = new Set(
    [...tree.text('serverless.yml').matchAll(/^\s+handler: dist\/([\w-]+)\/index\.handler$/gm)].map(
      ([, name]) => name!,
    ),
  );
  return [
    ...[...folders]
      .filter((name) => !tree.has(`functions/${name}/handler.ts`))
      .map((name) => `functions/${name}/ has no handler.ts: a folder there is a function.`),
    ...[...folders]
      .filter((name) => !deployed.has(name))
      .map(
        (name) =>
          `functions/${name}/ is not in serverless.yml: add a function with handler dist/${name}/index.handler.`,
      ),
    ...[...deployed]
      .filter((name) => !folders.has(name))
      .map(
        (name) => `serverless.yml deploys dist/${name}/index.handler, and there is no functions/${name}/.`,
      ),
  ];
};

/** A file is named by its idea. */
export const filesAreNamedByTheirIdea: Rule = (tree) =>
  tree.paths
    .filter(
      (path) =>
        EMPTY_NAMES.test(path) ||
        path.split('/').some((part) => /^(utils?|helpers?|common|misc)$/.test(part)),
    )
    .map((path) => `${path} has a name that says nothing: name it by its subject, beside its only user.`);

/** Exports have names, so that an import tells what it takes; tools that ask for a default are served in *.config files. */
export const exportsAreNamed: Rule = (tree) =>
  codePaths(tree)
    .filter((path) => !/\.config\.(ts|mjs)$/.test(path) && !path.includes('/assembly/'))
    .flatMap((path) => {
      const tokens = tokensOf(tree.text(path));
      return tokens
        .filter(({ kind, text }, at) => {
          if (kind !== 'word' || text !== 'default') return false;
          const before = tokens[at - 1]?.text;
          return (
            before === 'export' || (before === 'as' && tokens[at + 1]?.text !== ':' && isExported(tokens, at))
          );
        })
        .map(({ line }) => `${path}:${line} has a default export: give it a name.`);
    });

/** Settings are read once, by shared/config.ts. */
export const environmentIsReadInOnePlace: Rule = (tree) =>
  codePaths(tree)
    .filter((path) => !isIn(path, ENVIRONMENT_READERS))
    .flatMap((path) => {
      const tokens = tokensOf(tree.text(path));
      return tokens
        .filter((token, at) => {
          if (token.kind !== 'word' || token.text !== 'env') return false;
          const isMember = tokens[at - 1]?.text === '.' && tokens[at - 2]?.text === 'process';
          const rest = tokens.slice(at + 1, at + 12).map(({ text }) => text);
          const closing = rest.indexOf('}');
          const source = closing < 0 ? [] : rest.slice(closing + 1, closing + 3);
          const isTaken = ['= process', 'from node:process', 'from process'].includes(source.join(' '));
          return isMember || isTaken;
        })
        .map(({ line }) => `${path}:${line} reads the environment: take the value from shared/config.ts.`);
    });

/** True for `export { x as default }`; an import may rename a default. */
function isExported(tokens: ReturnType<typeof tokensOf>, at: number): boolean {
  for (let index = at; index >= 0; index -= 1) {
    if (tokens[index]!.text === '{') return tokens[index - 1]?.text === 'export';
  }
  return false;
}
