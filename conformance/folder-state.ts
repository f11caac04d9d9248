import { chmod, readFile, stat } from 'node:fs/promises';
import { sha256Of } from '../shared/content/file-digest.ts';
import { walkFolder } from '../shared/content/walk-folder.ts';

/** Path -> what tells one state of the file from another. */
export type FolderState = ReadonlyMap<string, string>;

/** Digests of all files below a folder. */
export async function contentOf(folder: string): Promise<FolderState> {
  const state = new Map<string, string>();
  for await (const { path, absolutePath } of walkFolder(folder))
    state.set(path, sha256Of(await readFile(absolutePath)));
  return state;
}

/** Digests, inodes and times of all files below a folder: one that was written to with the bytes it had shows too. */
export async function touchedOf(folder: string): Promise<FolderState> {
  const state = new Map(await contentOf(folder));
  for await (const { path, absolutePath } of walkFolder(folder)) {
    const { ino, mode, mtimeNs, ctimeNs } = await stat(absolutePath, { bigint: true });
    state.set(path, [state.get(path), ino, mode, mtimeNs, ctimeNs].join(' '));
  }
  return state;
}

/** What the second state has otherwise than the first, in words; `undefined` when they are the same. */
export function differenceOfStates(
  before: FolderState,
  after: FolderState,
  words: { changed: string; added: string; gone: string },
): string | undefined {
  const list = (paths: string[], what: string) =>
    paths.length === 0 ? [] : [`${paths.slice(0, 5).join(', ')} ${what}`];
  const found = [
    ...list(
      [...after.keys()].filter((path) => before.has(path) && before.get(path) !== after.get(path)),
      words.changed,
    ),
    ...list(
      [...after.keys()].filter((path) => !before.has(path)),
      words.added,
    ),
    ...list(
      [...before.keys()].filter((path) => !after.has(path)),
      words.gone,
    ),
  ];
  return found.length === 0 ? undefined : found.join('; ');
}

/** Takes the right to write away from a folder's files, or gives it back. It does not bind the root user. */
export async function setWritable(folder: string, isWritable: boolean): Promise<void> {
  if (isWritable) await chmod(folder, 0o755);
  for await (const { absolutePath } of walkFolder(folder))
    await chmod(absolutePath, isWritable ? 0o644 : 0o444);
  if (!isWritable) await chmod(folder, 0o555);
}
