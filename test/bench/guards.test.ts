import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GUARDS } from '../../bench/guards.ts';

const ROOT = join(import.meta.dirname, '..', '..');

it.each(GUARDS)(
  'the guard "$keeps" is still where the mutation run takes it out',
  async ({ file, from, tests }) => {
    const text = await readFile(join(ROOT, file), 'utf8');

    expect(text.split(from)).toHaveLength(2);
    for (const test of tests) await access(join(ROOT, test));
  },
);
