import { relativePathProblem } from './relative-path.ts';

/** Files in a folder at most. */
export const MAX_FILES = 100_000;
/** Bytes of all files of a folder at most: 16 TiB, far beyond any model, and sums stay exact. */
export const MAX_TOTAL_BYTES = 16 * 2 ** 40;

/**
 * What keeps a list of files from being laid out in a folder on any machine, `undefined` when nothing does: paths
 * that climb, that are there twice (also when only upper and lower case differ), or that are file and folder at once.
 */
export function layoutProblem(
  files: readonly { path: string; sizeBytes: number }[],
): { file: string; problem: string } | undefined {
  if (files.length > MAX_FILES) return { file: '', problem: `it has more than ${MAX_FILES} files` };
  const names = new Map<string, string>();
  let total = 0;
  for (const { path, sizeBytes } of files) {
    const problem = relativePathProblem(path) ?? clash(names, path);
    if (problem !== undefined) return { file: path, problem };
    total += sizeBytes;
    if (total > MAX_TOTAL_BYTES)
      return { file: path, problem: `all files have more than ${MAX_TOTAL_BYTES} bytes` };
  }
  return undefined;
}

/** Notes the path and the folders above it; tells when one of them is there already as something else. */
function clash(names: Map<string, string>, path: string): string | undefined {
  const parts = path.split('/');
  for (let length = 1; length < parts.length; length += 1) {
    const folder = `${parts.slice(0, length).join('/')}/`;
    const other = names.get(fold(folder.slice(0, -1)));
    if (other !== undefined && other !== folder) return `it clashes with "${other}"`;
    names.set(fold(folder.slice(0, -1)), folder);
  }
  const other = names.get(fold(path));
  if (other !== undefined) return other === path ? 'it is listed twice' : `it clashes with "${other}"`;
  names.set(fold(path), path);
  return undefined;
}

/** Equal for names that one file system or another takes for the same. */
function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
