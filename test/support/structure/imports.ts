import { posix } from 'node:path';
import type { SourceTree } from './source-tree.ts';
import { type Token, tokensOf } from './tokens.ts';

/** One `import`, `export ... from` or `import()` with a literal specifier. */
export interface Import {
  readonly specifier: string;
  /** Gone when the types are stripped: `import type`, `export type`, and `import()` in a type. */
  readonly typeOnly: boolean;
  /** `import()`: the module is loaded when it is asked for. */
  readonly dynamic: boolean;
  readonly line: number;
}

/** An import of one file of the tree by another. */
export interface Edge extends Import {
  readonly from: string;
  /** Path from the root, there or not. */
  readonly to: string;
}

/** All imports of a source, in order. */
export function importsOf(source: string): Import[] {
  const tokens = tokensOf(source);
  return tokens.flatMap((token, index) => {
    const isStatement = token.kind === 'word' && !isMark(tokens[index - 1], '.');
    if (!isStatement || (token.text !== 'import' && token.text !== 'export')) return [];
    const found =
      token.text === 'import' && isMark(tokens[index + 1], '(')
        ? dynamicImport(tokens, index)
        : staticImport(tokens, index);
    return found ? [{ ...found, line: token.line }] : [];
  });
}

/** Imports of files by files; of packages there are none among them. */
export function edgesFrom(tree: SourceTree, path: string): Edge[] {
  return importsOf(tree.text(path))
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map((each) => ({ ...each, from: path, to: posix.join(posix.dirname(path), each.specifier) }));
}

/** Name of the package of a specifier; `undefined` for files and for Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('node:'))
    return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

type Found = Omit<Import, 'line'>;

function dynamicImport(tokens: readonly Token[], index: number): Found | undefined {
  const argument = tokens[index + 2];
  if (argument?.kind !== 'string' || !(isMark(tokens[index + 3], ')') || isMark(tokens[index + 3], ',')))
    return undefined;
  const before = tokens[index - 1];
  return { specifier: argument.text, typeOnly: isWord(before, 'typeof'), dynamic: true };
}

/** Walks to the `from` of the statement, if it has one before anything that cannot stand there. */
function staticImport(tokens: readonly Token[], index: number): Found | undefined {
  const second = tokens[index + 1];
  if (second?.kind === 'string' && tokens[index]!.text === 'import')
    return { specifier: second.text, typeOnly: false, dynamic: false };
  const isTyped =
    isWord(second, 'type') && !isWord(tokens[index + 2], 'from') && !isMark(tokens[index + 2], ',');
  for (let at = index + (isTyped ? 2 : 1); at < tokens.length; at += 1) {
    const token = tokens[at]!;
    const next = tokens[at + 1];
    if (isWord(token, 'from') && next?.kind === 'string')
      return { specifier: next.text, typeOnly: isTyped, dynamic: false };
    const mayStand = token.kind === 'word' ? !isDeclaration(token, at - index) : '{},*'.includes(token.text);
    if (!mayStand || token.kind === 'string') return undefined;
  }
  return undefined;
}

function isDeclaration({ text }: Token, distance: number): boolean {
  return (
    distance === 1 && /^(const|let|var|function|class|async|abstract|interface|enum|default)$/.test(text)
  );
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}
