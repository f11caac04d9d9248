import { randomFillSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RandomFile {
  name: string;
  path: string;
  bytes: Uint8Array;
}

/** Files of random bytes, no two alike, in a new folder. */
export async function writeRandomFiles(
  folder: string,
  { count, sizeBytes }: { count: number; sizeBytes: number },
): Promise<RandomFile[]> {
  await mkdir(folder, { recursive: true });
  const files: RandomFile[] = [];
  for (let index = 0; index < count; index += 1) {
    const bytes = randomFillSync(new Uint8Array(sizeBytes));
    const name = `${String(index).padStart(5, '0')}.bin`;
    const path = join(folder, name);
    await writeFile(path, bytes);
    files.push({ name, path, bytes });
  }
  return files;
}
