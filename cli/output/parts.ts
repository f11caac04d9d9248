import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';

/** A part of a function's output that is an object; empty when it is missing. */
export function part(output: Json | undefined, name: string): JsonObject {
  const value = isJsonObject(output) ? output[name] : undefined;
  return isJsonObject(value) ? value : {};
}

/** A part that is a list of objects; empty when it is missing. */
export function parts(output: Json | undefined, name: string): JsonObject[] {
  const value = isJsonObject(output) ? output[name] : undefined;
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** Items that a function could not use, one per line, the first few of them. `count`: how many there are in all. */
export function failedLines(failed: readonly JsonObject[], shown = 10, count = failed.length): string[] {
  return [
    ...failed.slice(0, shown).map(({ filename, message }) => `  ${filename}: ${message}`),
    ...(count > shown ? [`  and ${count - shown} more; see --json`] : []),
  ];
}

/** Images that were taken in and cannot be decoded. */
export function unreadableLines(unreadable: readonly JsonObject[], count = unreadable.length): string[] {
  if (count === 0) return [];
  return [`Unreadable as images: ${count}`, ...failedLines(unreadable)];
}
