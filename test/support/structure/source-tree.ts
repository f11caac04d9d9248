import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The project's own files, by their path from the root: `/`-separated, no leading slash. */
export interface SourceTree {
  /** Sorted. */
  readonly paths: readonly string[];
  /** True for a file, and for a folder that holds one. */
  has(path: string): boolean;
  /** The file's text; empty for one that is no text, or not there. */
  text(path: string): string;
}

/** Reads a folder, without what its `.gitignore` leaves out. Names and `*.ending` patterns of it are understood. */
export function readTree(root: string): SourceTree {
  const isIgnored = ignoredBy(readFileSync(join(root, '.gitignore'), 'utf8'));
  const paths: string[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (isIgnored(entry.name)) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) paths.push(path);
    }
  };
  walk('');
  const texts = new Map<string, string>();
  return treeFrom(paths, (path) => {
    const text = texts.get(path) ?? textOf(readFileSync(join(root, path)));
    texts.set(path, text);
    return text;
  });
}

/** A tree of these texts by path, for tests of the rules. */
export function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  return treeFrom(Object.keys(files), (path) => files[path]!);
}

/** Code of the tree: TypeScript and JavaScript modules. */
export function codePaths(tree: SourceTree): string[] {
  return tree.paths.filter((path) => /\.(ts|mts|mjs|js)$/.test(path));
}

/** True for the file itself, and for what lies in the folder when `place` ends with a slash. */
export function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
}

function treeFrom(unsorted: readonly string[], read: (path: string) => string): SourceTree {
  const paths = [...unsorted].sort();
  const known = new Set(paths.flatMap((path) => [path, ...foldersOf(path)]));
  const files = new Set(paths);
  return {
    paths,
    has: (path) => known.has(path.replace(/\/$/, '')),
    text: (path) => (files.has(path) ? read(path) : ''),
  };
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function ignoredBy(gitignore: string): (name: string) => boolean {
  const lines = gitignore.split('\n').map((line) => line.trim().replace(/\/$/, ''));
  const names = new Set([...lines, '.git']);
  const endings = lines.filter((line) => line.startsWith('*')).map((line) => line.slice(1));
  return (name) => names.has(name) || endings.some((ending) => name.endsWith(ending));
}

function textOf(bytes: Buffer): string {
  return bytes.includes(0) ? '' : bytes.toString('utf8');
}
