import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { walkFolder } from '../../shared/content/walk-folder.ts';

/** Copies a snapshot's files as they are, links among them as the files they lead to. `wanted` says which; all when missing. */
export async function copyWeights(
  from: string,
  to: string,
  wanted: (path: string) => boolean = () => true,
): Promise<void> {
  for await (const { path, absolutePath } of walkFolder(from)) {
    if (!wanted(path)) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(absolutePath, join(to, path));
  }
}
