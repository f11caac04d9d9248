import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { markdownTable } from './statistics.ts';

const PROGRAM = join(import.meta.dirname, 'coco-program.ts');
const COUNTS = [10_000, 100_000];
const HEAP_MB = 64;

/** Whether annotations go through the convert and evaluate functions and the store in memory that does not grow with them. */
export async function cocoThroughTheStore(): Promise<string> {
  const rows: string[][] = [];
  for (const count of COUNTS) {
    const told = await convertMany(count);
    if (told.created !== count) throw new Error(`${told.created} of ${count} annotations were made`);
    if (told.averagePrecision !== 1)
      throw new Error(`an AP of ${told.averagePrecision} for the truth itself`);
    rows.push([
      count.toLocaleString('en'),
      (told.bytes / 1e6).toFixed(1),
      told.readSeconds.toFixed(1),
      told.writeSeconds.toFixed(1),
      told.evaluateSeconds.toFixed(1),
      (told.beforeBytes / 1e6).toFixed(0),
      (told.rssBytes / 1e6).toFixed(0),
    ]);
  }
  return [
    '## A COCO file through the convert function and an evaluation',
    `Boxes, 100 an item, read into the store and written out again by \`convert --format coco\`, then predicted as they are and compared by \`evaluate\`, in a process with a heap of ${HEAP_MB} MB; it fails when that is not enough. Resident memory in MB before the conversion and at most.`,
    markdownTable(
      [
        'annotations',
        'file, MB',
        'read, s',
        'written, s',
        'evaluated, s',
        'resident before',
        'resident at most',
      ],
      rows,
    ),
  ].join('\n\n');
}

interface Told {
  created: number;
  bytes: number;
  beforeBytes: number;
  rssBytes: number;
  readSeconds: number;
  writeSeconds: number;
  evaluateSeconds: number;
  averagePrecision: number;
}

async function convertMany(count: number): Promise<Told> {
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-bench-coco-'));
  const limits = [`--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=4'];
  const { stdout } = await promisify(execFile)(process.execPath, [...limits, PROGRAM, folder, String(count)]);
  return JSON.parse(stdout) as Told;
}

if (import.meta.main) process.stdout.write(`${await cocoThroughTheStore()}\n`);
