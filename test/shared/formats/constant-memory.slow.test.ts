import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../content/temporary-folder.ts';

const PROGRAM = join(import.meta.dirname, 'convert-many.ts');

/** The heap that the program may have: less than one such file parsed whole would need. */
const HEAP_MB = 40;

it.each(['coco', 'csv'])(
  'a %s file of 100,000 annotations is written and read in a heap of 40 MB',
  (format) => {
    const folder = temporaryFolder();
    const argv = [
      `--max-old-space-size=${HEAP_MB}`,
      '--max-semi-space-size=4',
      PROGRAM,
      folder,
      format,
      '100000',
    ];

    const answer = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as {
      read: number;
      bytes: number;
      rssBytes: number;
    };

    console.log(`${format}: ${answer.bytes} bytes, ${Math.round(answer.rssBytes / 1e6)} MB resident at most`);
    expect(answer.read).toBe(100_000);
    expect(answer.bytes).toBeGreaterThan(5_000_000);
  },
);
