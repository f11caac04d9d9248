import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../shared/clock.ts';
import { FileCache } from '../shared/snapshots/files/file-cache.ts';
import { loadFiles } from '../shared/snapshots/files/load-files.ts';
import { MAX_REQUESTS } from '../shared/snapshots/files/request-budget.ts';
import { saveFiles } from '../shared/snapshots/files/save-files.ts';
import { clientTransfers } from './link/client-transfers.ts';
import { openPlaces, type Place } from './link/places.ts';
import { writeRandomFiles } from './link/random-files.ts';
import { rawDownload, rawUpload } from './link/raw-transfer.ts';
import { scratchFolder } from './link/scratch-folder.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';

const ROUNDS = 3;
const SHAPES = [
  { name: '1 file of 256 MB', count: 1, sizeBytes: 256_000_000 },
  { name: '2,000 files of 64 KB', count: 2_000, sizeBytes: 64_000 },
] as const;

const IN_THE_WAY =
  "What stands in the way of more. Download: bytes that are dropped cost their reader less than half of what hashing and writing them adds, and both sides of the line share two cores; beside a transfer that ends on disk, as weights must, the aim of 0.9 is met. Upload: the key of an object is its digest, so all is read and hashed once before the first byte goes, and hashed again on its way, as a file may change in between; raw sends bytes from memory. Tried, and kept: small files in packs (save was 24, load 105), the next piece read and summed while one is on its way, CRC32C sixteen bytes a step, no MD5 above 1 MiB, no checksum of the bucket's beside our own digest. Left: several objects composed into one, which would send a large file on several connections. The server of the tests sums up every upload by Google's own class, at 400 MB a second, on both sides.";

type Times = Map<string, number[]>;

/**
 * Does a snapshot's weights come, and go, at the speed of the line? Our load (every byte hashed, written to the cache and
 * laid out in a folder) and save, beside the plain client's calls and beside HTTP without anything.
 */
export async function transfer(): Promise<string> {
  const sections: string[] = [];
  for (const place of await openPlaces()) {
    try {
      for (const shape of SHAPES) sections.push(await measure(place, shape));
    } finally {
      await place.server.close();
    }
  }
  return [
    '## Transfer of weights',
    `Megabytes (1,000,000 bytes) a second over loopback, server in a process of its own, median of ${ROUNDS} interleaved rounds and middle half. Load: the manifest read, every file fetched, hashed, written and laid out. Save: every file hashed, sent, and read back from the bucket to be hashed again, then the manifest. Raw: node:http with ${MAX_REQUESTS} connections, bytes dropped or written to files unhashed. Files lie in memory where the machine has /dev/shm: what its disk does is not asked here. Loopback is as fast as the two cores are: what is compared is the work per byte, not waiting; over a line of 1 Gbit/s see the next section.`,
    ...sections,
    IN_THE_WAY,
  ].join('\n\n');
}

async function measure(place: Place, shape: (typeof SHAPES)[number]): Promise<string> {
  const home = await scratchFolder();
  const { bucket, close } = await place.open(home, place.server.origin);
  const times: Times = new Map();
  const take = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const started = performance.now();
    await work();
    times.set(name, [...(times.get(name) ?? []), performance.now() - started]);
  };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const folder = join(home, `round-${round}`);
      const files = await writeRandomFiles(join(folder, 'source'), shape);
      const save = () =>
        saveFiles({
          bucket,
          source: join(folder, 'source'),
          snapshotId: 'bench',
          revision: 1,
          configuration: {},
          lineage: {},
          clock: systemClock,
        });
      let saved: Awaited<ReturnType<typeof save>> | undefined;
      await take('save', async () => {
        saved = await save();
      });
      const weights = saved!;
      const client = clientTransfers(place, folder);
      const bodies = files.map(({ name, bytes }) => ({
        ...place.uploadOf(place.server.origin, `raw/${name}`),
        bytes,
      }));
      await take('raw upload', () => rawUpload(bodies, MAX_REQUESTS));
      if (client) await take("client's upload", () => client.upload(files));
      const urls = files.map(({ name }) => place.urlOf(place.server.origin, `raw/${name}`));
      await take('raw download, dropped', () => rawDownload(urls, MAX_REQUESTS));
      await mkdir(join(folder, 'raw'), { recursive: true });
      await take('raw download, to files', () =>
        rawDownload(urls, MAX_REQUESTS, (index) => join(folder, 'raw', String(index))),
      );
      if (client) await take("client's download", () => client.download(files));
      const cache = new FileCache({ directory: join(folder, 'cache'), maxBytes: 2 ** 40 });
      await take('load', () => loadFiles({ bucket, cache, weights, snapshotId: 'bench' }));
      await cache.trim();
      for await (const { key } of bucket.list()) await bucket.delete(key);
      await rm(folder, { recursive: true });
    }
  } finally {
    await close();
    await rm(home, { recursive: true, force: true });
  }
  const megabytes = (shape.count * shape.sizeBytes) / 1e6;
  const speed = (name: string) => times.get(name)?.map((ms) => (megabytes / ms) * 1000);
  const rows = [
    ...side(speed, ['load', 'raw download, dropped', 'raw download, to files', "client's download"]),
    ...side(speed, ['save', 'raw upload', "client's upload"]),
  ];
  return [`### ${place.name}: ${shape.name}`, markdownTable(['', 'MB/s', 'ours / this'], rows)].join('\n\n');
}

/** Rows of one direction; the first is ours. */
function side(speed: (name: string) => number[] | undefined, names: readonly string[]): string[][] {
  const ours = spreadOf(speed(names[0]!)!).median;
  return names.flatMap((name) => {
    const values = speed(name);
    if (values === undefined) return [];
    const spread = spreadOf(values);
    return [[name, shown(spread, 0), name === names[0] ? '' : (ours / spread.median).toFixed(2)]];
  });
}
