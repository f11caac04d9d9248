import type { Json } from '../json.ts';

/** One member of the outermost object, or one element of a member that is a list. */
export interface JsonPart {
  key: string;
  /** True for an element: the list itself does not come. */
  isElement: boolean;
  value: Json;
}

export interface JsonPartsOptions {
  skipped?: readonly string[];
  exactIntegers?: readonly string[];
}

const MAX_DEPTH = 64;
const MAX_PART_CHARS = 32 * 1024 * 1024;
const SPACE = /[\t\n\r ]/;

type Expected = 'start' | 'key' | 'colon' | 'value' | 'element' | 'afterElement' | 'afterValue' | 'end';

/**
 * The parts of a JSON document whose outermost value is an object, one after the other; each is parsed by itself, so
 * that a list of any length needs no more memory than its longest element. Elements of `skipped` members are passed over
 * without being parsed. Integers beyond 2^53 in members named by `exactIntegers`, at any depth, come as text, since a number
 * would round them. The outermost two levels are read here; all below is `JSON.parse`'s.
 * @throws SyntaxError for what is not JSON, deeper than 64 levels, or with a part of more than 32 Mi characters
 */
export async function* jsonParts(
  chunks: AsyncIterable<string>,
  { skipped = [], exactIntegers = [] }: JsonPartsOptions = {},
): AsyncGenerator<JsonPart> {
  const parsed = (text: string): Json => parse(text, exactIntegers);
  let expected: Expected = 'start';
  let key = '';
  let part = '';
  /** Depth within the part, -1 outside of one. */
  let depth = -1;
  let inText = false;
  let escaped = false;
  let kind: 'key' | 'value' | 'element' = 'key';
  let isFirst = true;
  const ended = (): JsonPart | undefined => {
    depth = -1;
    if (kind === 'key') {
      key = parsed(part) as string;
      expected = 'colon';
      return undefined;
    }
    expected = kind === 'element' ? 'afterElement' : 'afterValue';
    if (skipped.includes(key)) return undefined;
    return { key, isElement: kind === 'element', value: parsed(part) };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const character = chunk[at]!;
      if (depth >= 0) {
        if (inText) {
          if (escaped) escaped = false;
          else if (character === '\\') escaped = true;
          else if (character === '"') {
            inText = false;
            if (depth === 0) {
              part += chunk.slice(start, at + 1);
              const found = ended();
              if (found) yield found;
            }
          }
          continue;
        }
        if (character === '"') inText = true;
        else if (character === '{' || character === '[') {
          depth += 1;
          if (depth > MAX_DEPTH) throw new SyntaxError(`it is deeper than ${MAX_DEPTH} levels`);
        } else if (character === '}' || character === ']') {
          if (depth > 0) {
            depth -= 1;
            if (depth === 0) {
              part += chunk.slice(start, at + 1);
              const found = ended();
              if (found) yield found;
            }
            continue;
          }
        }
        if (
          depth > 0 ||
          inText ||
          !(character === ',' || character === '}' || character === ']' || SPACE.test(character))
        )
          continue;
        // A number or a word ends with what stands behind it, which is read below.
        part += chunk.slice(start, at);
        const found = ended();
        if (found) yield found;
      }
      if (SPACE.test(character)) continue;
      const next = outside(expected, character, isFirst);
      if (next === undefined)
        throw new SyntaxError(`${JSON.stringify(character)} stands where it does not belong`);
      isFirst = next === 'key' || next === 'element' ? character === '{' || character === '[' : isFirst;
      if (next !== 'begin') {
        expected = next;
        continue;
      }
      kind = expected === 'key' ? 'key' : expected === 'element' ? 'element' : 'value';
      depth = character === '{' || character === '[' ? 1 : 0;
      inText = character === '"';
      escaped = false;
      part = '';
      start = at;
      isFirst = false;
    }
    if (depth >= 0) {
      if (!skipped.includes(key) || kind === 'key') part += chunk.slice(start);
      if (part.length > MAX_PART_CHARS)
        throw new SyntaxError(`it has a part of more than ${MAX_PART_CHARS} characters`);
    }
  }
  if (expected !== 'end' || depth >= 0) throw new SyntaxError('it ends too early');
}

/** What is expected behind a character between the parts; `begin` when a part begins with it. */
function outside(expected: Expected, character: string, isFirst: boolean): Expected | 'begin' | undefined {
  switch (expected) {
    case 'start':
      return character === '{' ? 'key' : undefined;
    case 'key':
      if (character === '"') return 'begin';
      return character === '}' && isFirst ? 'end' : undefined;
    case 'colon':
      return character === ':' ? 'value' : undefined;
    case 'value':
      if (character === '[') return 'element';
      return begins(character) ? 'begin' : undefined;
    case 'element':
      if (character === ']' && isFirst) return 'afterValue';
      return begins(character) ? 'begin' : undefined;
    case 'afterElement':
      return character === ',' ? 'element' : character === ']' ? 'afterValue' : undefined;
    case 'afterValue':
      return character === ',' ? 'key' : character === '}' ? 'end' : undefined;
    default:
      return undefined;
  }
}

function begins(character: string): boolean {
  return /["{[\-0-9tfn]/.test(character);
}

/** `JSON.parse` gives a reviver the text of each number. */
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

function parse(text: string, exactIntegers: readonly string[]): Json {
  // A reviver is slow: most parts have no integer that long.
  if (exactIntegers.length === 0 || !/\d{16}/.test(text)) return JSON.parse(text) as Json;
  const revive: Reviver = (key, value, { source }) => {
    const isRounded = typeof value === 'number' && !Number.isSafeInteger(value);
    return isRounded && exactIntegers.includes(key) && /^-?\d+$/.test(source ?? '') ? source : value;
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Json;
}
