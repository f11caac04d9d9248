import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writePngs } from '../../examples/digits/write-pngs.ts';
import { type CommandLine, commandLine } from './command-line.ts';
import { commandsOf, masked, runShown } from './readme-commands.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const README = join(EXAMPLES, 'nearest-centroid/README.md');

it('goes from an empty folder to an evaluated model as the README of the example shows it', async () => {
  const text = await readFile(README, 'utf8');
  const line = commandLine();
  await writeFile(join(line.cwd, 'iris.csv'), /```csv\n([^`]*)```/.exec(text)![1]!);
  const commands = commandsOf(text);

  for (const { command, output } of commands) {
    const printed = await run(line, command);
    expect(masked(printed), command).toBe(masked(output));
  }

  const told = commands.map(({ command }) => command.split(' ').slice(0, 3).join(' '));
  expect(told).toEqual(expect.arrayContaining(['modelfn train first', 'modelfn evaluate first']));
  const evaluated = await line.json<{ metrics: { accuracy: number }; items: number }>('evaluate', 'first');
  expect(evaluated.items).toBe(359);
  expect(evaluated.metrics.accuracy).toBeGreaterThan(0.9);
}, 120_000);

async function run(line: CommandLine, command: string): Promise<string> {
  switch (command) {
    case 'node ../modelfn/examples/digits/write-pngs.ts digits':
      return `${await writePngs(join(line.cwd, 'digits'))} images in digits`;
    case 'cp ../modelfn/examples/nearest-centroid/adapter.ts .':
      await copyFile(join(EXAMPLES, 'nearest-centroid/adapter.ts'), join(line.cwd, 'adapter.ts'));
      return '';
    default:
      return runShown(line, command);
  }
}
