import { FormatUnreadable } from './errors.ts';
import type { FormatFiles } from './format.ts';
import { linesOf } from './text-stream.ts';

const MOST_LABELS = 100_000;
const MAX_NAME_CHARS = 64 * 1024;

/** Names of classes by their numbers. */
export type ClassNames = ReadonlyMap<number, string>;

/** A file that names classes. They hold for label files below its folder. */
export interface NamesSource {
  path: string;
  /** Empty for the root; else with a slash at its end. */
  folder: string;
  names: ClassNames;
}

/** True for a file that, by its name, lists the classes one per line. */
export function isNamesFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return (
    /^(classes|class_names|classnames|predefined_classes|names|labels)\.txt$/.test(name) ||
    name.endsWith('.names') ||
    name === '_darknet.labels'
  );
}

/** Reads names, one per line; spaces around a name and blank lines at the end do not count. @throws FormatUnreadable */
export async function readNamesFile(files: FormatFiles, path: string): Promise<ClassNames> {
  const names: string[] = [];
  for await (const line of linesOf('yolo', files, path, MAX_NAME_CHARS)) {
    if (names.length >= MOST_LABELS)
      throw new FormatUnreadable('yolo', path, `it has more than ${MOST_LABELS} lines`);
    names.push(line.trim());
  }
  while (names.at(-1) === '') names.pop();
  if (names.includes('')) throw new FormatUnreadable('yolo', path, 'it has an empty line between names');
  return new Map(names.entries());
}

/**
 * The names that hold for a label file: those of the nearest folder above it; without one, those of the only source, or of
 * several that agree. @throws FormatUnreadable when there are none, or when two of one folder differ
 */
export function namesFor(labelFile: string, sources: readonly NamesSource[]): NamesSource {
  const above = sources.filter(({ folder }) => labelFile.startsWith(folder));
  const depth = Math.max(...above.map(({ folder }) => folder.length));
  const nearest = above.length > 0 ? above.filter(({ folder }) => folder.length === depth) : sources;
  const [first, ...others] = nearest;
  if (first === undefined)
    throw new FormatUnreadable(
      'yolo',
      labelFile,
      'no file names its classes: add a data.yaml with names, or a classes.txt or obj.names with one name per line',
    );
  const other = others.find(({ names }) => !isSame(names, first.names));
  if (other)
    throw new FormatUnreadable(
      'yolo',
      other.path,
      `it names other classes than ${JSON.stringify(first.path)}`,
    );
  return first;
}

function isSame(a: ClassNames, b: ClassNames): boolean {
  return a.size === b.size && [...a].every(([id, name]) => b.get(id)?.trim() === name.trim());
}
