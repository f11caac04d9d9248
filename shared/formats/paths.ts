import { relativePathProblem } from '../content/relative-path.ts';
import { FormatNameClash, FormatUnreadable } from './errors.ts';

/** A path of an item that a file names; slashes and a dot before it are passed over. @throws FormatUnreadable */
export function itemPath(format: string, file: string, name: unknown): string {
  const plain = typeof name === 'string' ? name.replace(/^(\.?\/)+/, '') : name;
  const problem = relativePathProblem(plain);
  if (problem !== undefined)
    throw new FormatUnreadable(format, file, `${shown(name)} is no path of an item: ${problem}`);
  return plain as string;
}

/** A path without the extension of its last part. */
export function stemOf(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? path.slice(0, dot) : path;
}

/** Hands out stems, each once. */
export class Stems {
  readonly #taken = new Set<string>();
  readonly #format: string;

  constructor(format: string) {
    this.#format = format;
  }

  /** @throws FormatNameClash */
  take(path: string): string {
    const stem = stemOf(path);
    if (this.#taken.has(stem)) throw new FormatNameClash(this.#format, stem);
    this.#taken.add(stem);
    return stem;
  }
}

function shown(name: unknown): string {
  return (JSON.stringify(name) ?? 'nothing').slice(0, 80);
}
