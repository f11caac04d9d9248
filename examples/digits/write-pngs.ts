import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { digitEntries, readDigits } from '../../cli/demo/digits.ts';

/** Writes the digits as PNG files `<folder>/<label>/<row>.png`; answers how many. */
export async function writePngs(folder: string): Promise<number> {
  let count = 0;
  for await (const { path, label, bytes } of digitEntries(await readDigits())) {
    const file = join(folder, label!, basename(path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes!);
    count += 1;
  }
  return count;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2] ?? 'digits';
  console.log(`${await writePngs(folder)} images in ${folder}`);
}
