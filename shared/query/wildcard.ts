/** A piece of a pattern: letters that stand for themselves, any text, or any text without a slash. */
export type Part = { literal: string } | 'any' | 'segment';

/** Tells whether a text has the form of a pattern. */
export type Matcher = (text: string) => boolean;

/** True for a text that plain equality reads as a pattern. */
export function hasWildcard(text: string): boolean {
  return text.includes('*');
}

/**
 * Compiles a pattern of the filter language (docs/WIRE.md, Wildcards). Plain equality: every run of `*` stands for any
 * text, slashes too. Path-aware (`$glob`): `*` stays inside one folder, `**` crosses folders. A pattern `X/**` fits `X`
 * itself too. Never backtracks: the time is proportional to the text, times the stars where one stays inside a folder.
 */
export function compileWildcard(pattern: string, options: { pathAware: boolean }): Matcher {
  const ways = waysToFit(pattern, options);
  return (text) => ways.some((parts) => fits(parts, text));
}

/** A text has the form of a pattern when it is made of the parts of one of these lists. */
export function waysToFit(pattern: string, { pathAware }: { pathAware: boolean }): Part[][] {
  const itself = pattern.endsWith('/**') ? [partsOf(pattern.slice(0, -3), pathAware)] : [];
  return [partsOf(pattern, pathAware), ...itself];
}

/** The text before the first `*`: all that fits begins with it. `X/**` fits `X`, so the slash does not count there. */
export function literalPrefix(pattern: string): string {
  const prefix = pattern.slice(0, Math.max(0, pattern.indexOf('*')));
  return pattern === `${prefix}**` && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

/**
 * The least text that is greater than all that begin with `prefix`, in the order of code points, which is that of UTF-8
 * bytes too; `undefined` when there is none.
 */
export function endOfPrefix(prefix: string): string | undefined {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const next = last.codePointAt(0)! + 1;
    // Surrogates are no characters.
    if (next <= 0x10ffff) return points.join('') + String.fromCodePoint(next === 0xd800 ? 0xe000 : next);
  }
  return undefined;
}

function partsOf(pattern: string, pathAware: boolean): Part[] {
  return [...pattern.matchAll(/\*+|[^*]+/g)].map(([piece]): Part => {
    if (!piece.startsWith('*')) return { literal: piece };
    return pathAware && piece.length === 1 ? 'segment' : 'any';
  });
}

function fits(parts: readonly Part[], text: string): boolean {
  return parts.includes('segment') ? fitsByPlaces(parts, text) : fitsByLiterals(parts, text);
}

/** Without `segment`, the leftmost place of each literal leaves the most room for the next. */
function fitsByLiterals(parts: readonly Part[], text: string): boolean {
  const last = parts.at(-1);
  const ending = typeof last === 'object' ? last.literal : '';
  // A pattern of one literal has no star: the text is that literal.
  if (parts.length === 1 && ending !== '') return text === ending;
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string' || part === last) continue;
    const found = index === 0 ? (text.startsWith(part.literal) ? 0 : -1) : text.indexOf(part.literal, at);
    if (found < 0) return false;
    at = found + part.literal.length;
  }
  return parts.length > 0 ? text.length - ending.length >= at && text.endsWith(ending) : text === '';
}

/** Walks the text with the set of all places where the parts so far may have ended. */
function fitsByPlaces(parts: readonly Part[], text: string): boolean {
  let ends = new Uint8Array(text.length + 1);
  ends[0] = 1;
  for (const part of parts) {
    ends =
      typeof part === 'string' ? stretched(ends, text, part === 'segment') : moved(ends, text, part.literal);
    if (!ends.includes(1)) return false;
  }
  return ends[text.length] === 1;
}

function stretched(ends: Uint8Array, text: string, insideFolder: boolean): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(ends.length);
  let reach = 0;
  for (let at = 0; at < ends.length; at += 1) {
    if (insideFolder && at > 0 && text[at - 1] === '/') reach = 0;
    if (ends[at] === 1) reach = 1;
    next[at] = reach;
  }
  return next;
}

function moved(ends: Uint8Array, text: string, literal: string): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(ends.length);
  for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + 1))
    if (ends[at] === 1) next[at + literal.length] = 1;
  return next;
}
