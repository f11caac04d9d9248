import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { walkFolder } from '../../shared/content/walk-folder.ts';

/** Copies a snapshot's files as they are, links among them as the files they lead to. */
export async function copyWeights(from: string, to: string): Promise<void> {
  for await (const { path, absolutePath } of walkFolder(from)) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(absolutePath, join(to, path));
  }
}
