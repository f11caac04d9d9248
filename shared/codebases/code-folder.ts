import { digestFile, sha256Of } from '../content/file-digest.ts';
import { type FolderEntry, walkFolder } from '../content/walk-folder.ts';
import { canonicalJson } from '../json.ts';

/** Folders that a run makes or that are installed from elsewhere: they are not code, and no checkout has them. */
const LEFT_OUT = ['node_modules', '__pycache__'];

/**
 * The files of a folder that are its code, in order of path: everything but `node_modules`, `__pycache__`, and names
 * with a leading dot, such as `.git` and `.env`.
 * @throws FileRefused for a link that leaves the folder
 */
export function codeFiles(directory: string): AsyncIterable<FolderEntry> {
  return walkFolder(directory, { skip: (path) => isLeftOut(path.slice(path.lastIndexOf('/') + 1)) });
}

/** sha256 over the sorted relative paths and contents of the code: the same on every machine. */
export async function digestCode(directory: string, signal?: AbortSignal): Promise<string> {
  const files: [string, string][] = [];
  for await (const { path, absolutePath } of codeFiles(directory)) {
    files.push([path, (await digestFile(absolutePath, signal)).sha256]);
  }
  return sha256Of(canonicalJson(files));
}

function isLeftOut(name: string): boolean {
  return name.startsWith('.') || LEFT_OUT.includes(name);
}
