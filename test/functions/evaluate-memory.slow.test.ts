import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

const PROGRAM = join(import.meta.dirname, 'evaluate-many.ts');

/** The heap that the program may have: less than its annotations would need together. */
const HEAP_MB = 64;

it('100,000 boxes and predictions are evaluated in a heap of 64 MB', () => {
  const limits = [`--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=4'];
  const argv = [...limits, PROGRAM, temporaryFolder(), '100000'];

  const output = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as object;

  expect(output).toMatchObject({
    items: 1_000,
    evaluated: 1_000,
    metrics: { AP: 0.5, precision: 0.5, recall: 0.5 },
    details: { box: { at: { truePositives: 25_000, falsePositives: 25_000, falseNegatives: 25_000 } } },
    perItem: { count: 1_000, pages: 5, pageSize: 200 },
  });
});
