import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Relative paths and texts of code. */
export type Code = Readonly<Record<string, string>>;

/** What a folder holds. */
export async function codeIn(directory: string): Promise<Code> {
  const code: Record<string, string> = {};
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    code[path.slice(directory.length + 1)] = await readFile(path, 'utf8');
  }
  return code;
}
