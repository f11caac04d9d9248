import { isJsonObject, type Json } from '../../shared/json.ts';
import type { ModelFacts } from './model-facts.ts';

/** Metadata keys under which exporters write class names: Ultralytics, Hugging Face and others. */
const KEYS = ['names', 'class_names', 'classes', 'labels', 'id2label'];
/** Names that only repeat the number of the class: `0`, `class0`, `LABEL_0`. */
const PLACEHOLDER = /^(?:class|label)?[ _-]?(\d+)$/i;
/** One entry of a Python list or dict of texts: `0: 'person',`. */
const ENTRY = /\s*(?:['"]?(\d+)['"]?\s*:\s*)?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(?:,|$)/y;

/**
 * Class names that the model's file contains, by class; undefined where it contains none, or only numbers in order. Names of
 * operators go before those of the metadata.
 */
export function classNamesOf(
  { metadata, outputs }: ModelFacts,
  output: string,
): readonly string[] | undefined {
  const told = KEYS.map((key) => parseNames(metadata.get(key))).find((names) => names !== undefined);
  const names = outputs.get(output)?.classNames ?? told;
  if (!names || names.length === 0) return undefined;
  return names.every((name, index) => PLACEHOLDER.exec(name)?.[1] === String(index)) ? undefined : names;
}

/** Names of a JSON or Python list, or of an object or dict by number; undefined for any other text. */
export function parseNames(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  return fromJson(text) ?? fromPython(text.trim());
}

function fromJson(text: string): readonly string[] | undefined {
  let document: Json;
  try {
    document = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  if (Array.isArray(document))
    return document.every((name) => typeof name === 'string') ? (document as string[]) : undefined;
  if (!isJsonObject(document)) return undefined;
  return ordered(Object.entries(document));
}

function fromPython(text: string): readonly string[] | undefined {
  if (!/^(?:\{.*\}|\[.*\]|\(.*\))$/s.test(text)) return undefined;
  const entries: [string, string][] = [];
  const body = text.slice(1, -1).trim();
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < body.length) {
    const found = ENTRY.exec(body);
    if (!found) return undefined;
    entries.push([found[1] ?? String(entries.length), unescaped(found[2]!.slice(1, -1))]);
  }
  return ordered(entries);
}

/** Undefined unless the numbers are all of 0 to n - 1. */
function ordered(entries: readonly (readonly [string, Json | undefined])[]): readonly string[] | undefined {
  const names = new Array<Json | undefined>(entries.length).fill(undefined);
  for (const [key, name] of entries)
    if (/^\d+$/.test(key) && Number(key) < names.length) names[Number(key)] = name;
  return names.every((name) => typeof name === 'string') ? (names as string[]) : undefined;
}

/** Escapes of Python's string literals. */
function unescaped(text: string): string {
  const single: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return text.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gis,
    (_, byte?: string, short?: string, long?: string, letter?: string) => {
      const code = byte ?? short ?? long;
      return code === undefined
        ? (single[letter!] ?? letter!)
        : String.fromCodePoint(Number.parseInt(code, 16));
    },
  );
}
