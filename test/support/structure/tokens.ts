/** A piece of source: comments and space are none. `text` of a string is what stands between its quotes. */
export interface Token {
  readonly kind: 'word' | 'mark' | 'string' | 'regex';
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** After these words, and after an operator, a slash begins a regular expression; elsewhere it divides. */
const BEFORE_REGEX = new Set('return typeof case in of new delete void throw await yield else do'.split(' '));
const WORD = /[\p{L}\p{N}_$#@]+/uy;
const SPACE = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const STRING = /'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;

/**
 * Cuts TypeScript or JavaScript into tokens, enough to find imports and exports without a compiler. The text of a
 * template is one string, without what stands in its `${}`, whose tokens follow it.
 */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let position = source.startsWith('#!') ? source.indexOf('\n') : 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  };
  const add = (kind: Token['kind'], text: string, whole = text) => {
    tokens.push({ kind, text, line });
    line += lineBreaks(whole);
  };
  /** Reads up to the closing brace of a template's hole, or to the end. */
  const read = (isHole: boolean) => {
    for (let depth = 0; position < source.length; ) {
      const space = take(SPACE);
      if (space !== undefined) {
        line += lineBreaks(space);
        continue;
      }
      const word = take(WORD);
      if (word !== undefined) {
        add('word', word);
        continue;
      }
      const quoted = take(STRING);
      if (quoted !== undefined) {
        add('string', quoted.slice(1, -1), quoted);
        continue;
      }
      const character = source[position]!;
      if (character === '`') {
        template();
        continue;
      }
      const regex = character === '/' && mayBeginRegex(tokens.at(-1)) ? take(REGEX) : undefined;
      if (regex !== undefined) {
        add('regex', regex);
        continue;
      }
      position += 1;
      if (character === '{') depth += 1;
      if (character === '}') {
        if (isHole && depth === 0) return;
        depth -= 1;
      }
      add('mark', character);
    }
  };
  const template = () => {
    position += 1;
    const startLine = line;
    const own = tokens.length;
    let text = '';
    while (position < source.length && source[position] !== '`') {
      if (source.startsWith('${', position)) {
        position += 2;
        read(true);
        continue;
      }
      const piece = source[position] === '\\' ? source.slice(position, position + 2) : source[position]!;
      position += piece.length;
      line += lineBreaks(piece);
      text += piece;
    }
    position += 1;
    tokens.splice(own, 0, { kind: 'string', text, line: startLine });
  };
  read(false);
  return tokens;
}

function lineBreaks(text: string): number {
  return text.split('\n').length - 1;
}

function mayBeginRegex(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === 'word') return BEFORE_REGEX.has(before.text);
  return before.kind === 'mark' && !')]}'.includes(before.text);
}
