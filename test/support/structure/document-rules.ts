import { posix } from 'node:path';
import { nearest } from '../../../shared/nearest.ts';
import { documentedCommands } from './documented-commands.ts';
import type { Rule } from './rule.ts';
import type { SourceTree } from './source-tree.ts';

/** The options that each command of the command line takes, by its words, as `datasets upload`. */
export type CommandTable = ReadonlyMap<string, ReadonlySet<string>>;

const ROOMS = /^(?:functions|adapters|shared|cli|test|bench|docs|examples)\/[\w./-]+$/;

/** A link within the documents leads to a file, and to a heading where it names one. */
export const linksLeadSomewhere: Rule = (tree) =>
  documents(tree).flatMap((path) =>
    [...withoutCode(tree.text(path)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : posix.join(posix.dirname(path), file);
      if (!tree.has(to)) return [`${path} links to ${target}, which is not there.`];
      if (anchor === undefined || anchorsOf(tree.text(to)).has(anchor)) return [];
      return [`${path} links to ${target}, and ${to} has no such heading.`];
    }),
  );

/** A path of the tree that a document names is there; what was is the changelog's, and the decisions'. */
export const namedPathsAreThere: Rule = (tree) =>
  documents(tree)
    .filter((path) => !path.startsWith('docs/decisions/') && path !== 'CHANGELOG.md')
    .flatMap((path) =>
      [...tree.text(path).matchAll(/`([^`\n]+)`/g)]
        .map(([, code = '']) => code)
        .filter((code) => ROOMS.test(code) && !tree.has(code))
        .map((code) => `${path} names ${code}, which is not there.`),
    );

/** Every setting is in the README's table. */
export const settingsAreTold: Rule = (tree) =>
  [...tree.text('shared/settings.ts').matchAll(/^ {2}([A-Z][A-Z_]+): \{/gm)]
    .map(([, name = '']) => name)
    .filter((name) => !tree.text('README.md').includes(`| \`${name}\` |`))
    .map((name) => `README.md says nothing of the setting ${name}: add a row to its table.`);

/** Every command of README and CONTRIBUTING is an npm script, tests that are there, or what `modelfn` has with its options. */
export function documentedCommandsAreThere(commands: CommandTable): Rule {
  return (tree) => {
    const scripts = scriptsOf(tree);
    const problemOf = (words: readonly string[]): string | undefined => {
      if (words[0] === 'npm') return npmProblem(words, scripts);
      if (words[0] === 'modelfn') return cliProblem(words, commands);
      const missing = words.slice(2).find((path) => !tree.has(path));
      return missing === undefined ? undefined : `there is no ${missing} to test`;
    };
    return ['README.md', 'CONTRIBUTING.md'].flatMap((path) =>
      documentedCommands(tree.text(path)).flatMap((words) => {
        const problem = problemOf(words);
        return problem === undefined ? [] : [`${path} says "${words.join(' ')}": ${problem}.`];
      }),
    );
  };
}

function npmProblem(
  [, verb = '', name = '']: readonly string[],
  scripts: readonly string[],
): string | undefined {
  if (['ci', 'install', 'explain', 'view'].includes(verb)) return undefined;
  const script = verb === 'run' ? name : verb;
  return scripts.includes(script)
    ? undefined
    : `there is no npm script ${script}; the nearest is ${nearest(script, scripts)}`;
}

function cliProblem(words: readonly string[], commands: CommandTable): string | undefined {
  const names = words.slice(1).filter((word) => !word.startsWith('-'));
  const flags = words.filter((word) => /^--?[a-z]/i.test(word)).map((word) => word.split('=')[0]!);
  let command = '';
  for (const name of names) {
    const next = command === '' ? name : `${command} ${name}`;
    if (commands.has(next)) command = next;
    else if (isGroup(command, commands)) return noVerb(command, name, commands);
    else break;
  }
  const known = commands.get(command) ?? new Set(['--version', '--help', '-h', '-V']);
  const unknown = flags.find((flag) => !known.has(flag) && flag !== '--help');
  return unknown === undefined ? undefined : `${`modelfn ${command}`.trim()} has no option ${unknown}`;
}

/** True for the program itself and for a command that has commands of its own. */
function isGroup(command: string, commands: CommandTable): boolean {
  return [...commands.keys()].some((each) => each.startsWith(command === '' ? '' : `${command} `));
}

function noVerb(command: string, name: string, commands: CommandTable): string {
  const start = command === '' ? '' : `${command} `;
  const verbs = [...commands.keys()]
    .filter((each) => each.startsWith(start))
    .map((each) => each.slice(start.length));
  return `${`modelfn ${command}`.trim()} has no such verb ${name}; the nearest is ${nearest(name, verbs)}`;
}

function documents(tree: SourceTree): string[] {
  return tree.paths.filter((path) => path.endsWith('.md'));
}

function scriptsOf(tree: SourceTree): string[] {
  const { scripts = {} } = JSON.parse(tree.text('package.json') || '{}') as {
    scripts?: Record<string, string>;
  };
  return Object.keys(scripts);
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Anchors of headings, as hosts of repositories make them. */
function anchorsOf(markdown: string): Set<string> {
  return new Set(
    [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
