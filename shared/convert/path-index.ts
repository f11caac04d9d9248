import { stemOf } from '../formats/paths.ts';
import { toComparableName } from '../unicode-names.ts';

type Entry<T> = T | 'several';

/**
 * Entries by their paths: by the whole path; else, because files from elsewhere often name no folder, by the last part of
 * it if only one entry has that. Composed and decomposed names are the same. Memory: some 200 bytes per entry.
 */
export class PathIndex<T extends { readonly path: string }> {
  readonly #byPath = new Map<string, Entry<T>>();
  readonly #byStem = new Map<string, Entry<T>>();
  readonly #byName = new Map<string, Entry<T>>();
  readonly #byNameStem = new Map<string, Entry<T>>();

  constructor(entries: Iterable<T> = []) {
    for (const entry of entries) this.add(entry);
  }

  add(entry: T): void {
    const keys: [Map<string, Entry<T>>, string][] = [
      [this.#byPath, entry.path],
      [this.#byStem, stemOf(entry.path)],
      [this.#byName, nameOf(entry.path)],
      [this.#byNameStem, nameOf(stemOf(entry.path))],
    ];
    for (const [map, name] of keys) {
      const key = toComparableName(name);
      map.set(key, map.has(key) ? 'several' : entry);
    }
  }

  find(path: string): T | undefined {
    const wanted = toComparableName(path);
    return one(this.#byPath.get(wanted)) ?? one(this.#byName.get(nameOf(wanted)));
  }

  /** By a path without its extension. */
  findStem(stem: string): T | undefined {
    const wanted = toComparableName(stem);
    return one(this.#byStem.get(wanted)) ?? one(this.#byNameStem.get(nameOf(wanted)));
  }
}

function one<T>(found: Entry<T> | undefined): T | undefined {
  return found === 'several' ? undefined : found;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
