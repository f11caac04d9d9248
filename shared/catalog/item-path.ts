import { hasHiddenCharacter, toComparableName } from '../unicode-names.ts';
import { InvalidItemPath } from './errors.ts';

export const MAX_PATH_LENGTH = 1024;
/** What common file systems take as one name: an item must be downloadable anywhere. */
const MAX_NAME_BYTES = 255;
export const ROOT = '/';

/** A path taken apart: `/a/b.png` is name `b.png` in dir `/a`. */
export interface ItemPath {
  filename: string;
  name: string;
  dir: string;
}

/**
 * Reads the path of an item as a client sends it; a missing leading slash is added. There is exactly one spelling
 * of each place: what would need resolving is refused, and the path is put in Unicode's composed form (NFC).
 * @throws InvalidItemPath
 */
export function readItemPath(path: string): ItemPath {
  const composed = toComparableName(path);
  const filename = composed.startsWith('/') ? composed : `/${composed}`;
  if (filename.length > MAX_PATH_LENGTH)
    throw new InvalidItemPath(path, `it is longer than ${MAX_PATH_LENGTH} characters`);
  if (filename === ROOT) throw new InvalidItemPath(path, 'it names no file or folder');
  for (const segment of filename.slice(1).split('/')) {
    const problem = problemOf(segment);
    if (problem !== undefined) throw new InvalidItemPath(path, problem);
  }
  return splitPath(filename);
}

/** Like `readItemPath`; one slash at the end is allowed, as people write folders. */
export function readFolderPath(path: string): ItemPath {
  return readItemPath(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
}

/** Takes a path apart that was read before. */
export function splitPath(filename: string): ItemPath {
  const slash = filename.lastIndexOf('/');
  return { filename, name: filename.slice(slash + 1), dir: slash <= 0 ? ROOT : filename.slice(0, slash) };
}

/** Folders above a path, topmost first, without the root. */
export function foldersAbove(filename: string): string[] {
  const folders: string[] = [];
  for (let slash = filename.indexOf('/', 1); slash > 0; slash = filename.indexOf('/', slash + 1))
    folders.push(filename.slice(0, slash));
  return folders;
}

/** `name` inside `dir`. */
export function joinPath(dir: string, name: string): string {
  return dir === ROOT ? `/${name}` : `${dir}/${name}`;
}

/**
 * The condition that holds for all that lies below a folder, at any depth. A range, because names may hold the
 * wildcards of a pattern: every path below `/a` sorts after `/a/` and before `/a0`, `0` being the next character.
 */
export function belowFolder(folder: string): { $and: { filename: { $gt: string } | { $lt: string } }[] } {
  return { $and: [{ filename: { $gt: `${folder}/` } }, { filename: { $lt: `${folder}0` } }] };
}

function problemOf(segment: string): string | undefined {
  if (segment === '') return 'it has an empty part between two slashes, or ends with a slash';
  if (segment === '.' || segment === '..') return `it has the part ${JSON.stringify(segment)}`;
  if (segment.includes('\\')) return 'it has a backslash';
  if (/\p{Cc}/u.test(segment)) return 'it has a control character';
  if (hasHiddenCharacter(segment))
    return 'it has a character that is invisible or changes the direction of text';
  if (!segment.isWellFormed()) return 'it is not well-formed Unicode';
  if (segment !== segment.trim()) return 'a part of it begins or ends with a blank';
  if (Buffer.byteLength(segment) > MAX_NAME_BYTES)
    return `a part of it is longer than ${MAX_NAME_BYTES} bytes`;
  return undefined;
}
