import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FormatFiles, FormatSource } from '../../../shared/formats/format.ts';
import { LossReport } from '../../../shared/formats/loss-report.ts';
import { openFormat } from '../../../shared/formats/registry.ts';

/**
 * Writes `count` annotations on `count / 100` items as one file of the format, reads them back and writes them again, and prints what came out
 * and the most memory it took: node test/shared/formats/convert-many.ts <folder> <format> <count>
 */
const [folder, name, count] = process.argv.slice(2) as [string, string, string];
const format = await openFormat(name);
const paths: string[] = [];
const layout = {
  async write(path: string, content: string | Uint8Array | AsyncIterable<string | Uint8Array>) {
    const file = join(folder, path.replaceAll('/', '_'));
    paths.push(path);
    await pipeline(Readable.from(typeof content === 'string' ? [content] : content), createWriteStream(file));
  },
};
const files: FormatFiles = {
  list: async () => [...paths].sort(),
  stream: (path) => createReadStream(join(folder, path.replaceAll('/', '_'))),
};
const PER_ITEM = 100;
const source: FormatSource = {
  labels: ['cat'],
  partitions: ['train'],
  async *items() {
    for (let item = 0; item < Number(count) / PER_ITEM; item += 1)
      yield { path: `folder/item-${item}.png`, width: 4000, height: 3000, annotations: manyOf(item) };
  },
};

function manyOf(item: number) {
  return Array.from({ length: PER_ITEM }, (_, at) => ({
    type: 'box',
    label: `label ${at % 20}`,
    attributes: [],
    coordinates: [
      { x: at + item / 7, y: at, z: 0 },
      { x: at + 100 + item / 7, y: at + 51.25, z: 0 },
    ],
    metadata: { system: {} },
  }));
}

let most = 0;
const timer = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 10);
await format.write(source, layout, new LossReport());
const written = paths.map((path) => statSync(join(folder, path.replaceAll('/', '_'))).size);
let read = 0;
for await (const { annotations } of format.read(files, {
  losses: new LossReport(),
  findStem: async (stem) => ({ path: `${stem}.png`, width: 4000, height: 3000 }),
  findPath: async (path) => ({ path, width: 4000, height: 3000 }),
}))
  read += annotations.length;
clearInterval(timer);
const bytes = written.reduce((sum, size) => sum + size, 0);
process.stdout.write(JSON.stringify({ read, bytes, rssBytes: most }));
