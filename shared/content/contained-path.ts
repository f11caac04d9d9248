import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { systemCode } from '../errors.ts';

/** True when `path` is `root` or lies below it. Both absolute and free of links. */
export function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The path with all links followed, as far as it exists; what does not exist yet is kept as it is. */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = systemCode(error);
    const parent = dirname(path);
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || parent === path) throw error;
    return join(await realPathOf(parent), basename(path));
  }
}
