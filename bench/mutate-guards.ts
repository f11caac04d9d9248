import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { GUARDS, type Guard } from './guards.ts';
import { markdownTable } from './statistics.ts';

/**
 * `node bench/mutate-guards.ts [words]`: takes each guard out of a copy of the tree and runs the tests that must notice.
 * Writes docs/GUARDS.md when all were asked for; with words, only guards that have them in their file or sentence. Ends
 * with 1 when a guard can be taken out without a test that fails.
 */
const ROOT = join(import.meta.dirname, '..');
const LEFT_OUT = ['node_modules', 'dist', '.git', '.modelfn'];

const words = process.argv.slice(2).join(' ');
const wanted = GUARDS.filter(({ file, keeps }) => `${file} ${keeps}`.includes(words));
const copy = await copyTree();
const rows: { guard: Guard; outcome: string }[] = [];
try {
  const tests = [...new Set(wanted.flatMap((guard) => guard.tests))];
  if (!(await testsPass(tests))) throw new Error('tests fail with every guard in its place; mend that first');
  for (const guard of wanted) {
    const outcome = await outcomeOf(guard);
    rows.push({ guard, outcome });
    process.stdout.write(`${outcome.padEnd(9)} ${guard.file}: ${guard.keeps}\n`);
  }
} finally {
  await rm(copy, { recursive: true, force: true });
}
if (words === '') await writeFile(join(ROOT, 'docs', 'GUARDS.md'), document());
process.exitCode = rows.every(({ outcome }) => outcome === 'killed') ? 0 : 1;

async function copyTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-guards-'));
  await cp(ROOT, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.includes(relative(ROOT, path).split('/')[0]!),
  });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** `killed`: a test failed. `survived`: none did. @throws when the guard's text is not in its file exactly once */
async function outcomeOf({ file, from, to, tests }: Guard): Promise<string> {
  const path = join(copy, file);
  const text = await readFile(path, 'utf8');
  if (text.split(from).length !== 2)
    throw new Error(`bench/guards.ts: ${file} does not hold this text exactly once: ${from}`);
  await writeFile(
    path,
    text.replace(from, () => to),
  );
  try {
    return (await testsPass(tests)) ? 'survived' : 'killed';
  } finally {
    await writeFile(path, text);
  }
}

async function testsPass(tests: readonly string[]): Promise<boolean> {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--bail', '1', ...tests], {
    cwd: copy,
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

function document(): string {
  const table = markdownTable(
    ['what is kept', 'where', 'tests that fail without it', ''],
    rows.map(({ guard, outcome }) => [
      guard.keeps,
      `\`${guard.file}\``,
      guard.tests.map((test) => `\`${test}\``).join(', '),
      outcome,
    ]),
  );
  return [
    '# Guards',
    'What keeps a call that comes twice, late or never from doing harm. Written by `node bench/mutate-guards.ts`, which takes\neach guard of `bench/guards.ts` out of a copy of the tree and runs the tests named here: `killed` is as it should be,\n`survived` is a guard that no test needs.',
    `${table}\n`,
  ].join('\n\n');
}
