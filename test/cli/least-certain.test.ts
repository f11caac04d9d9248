import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type CommandLine, commandLine } from './command-line.ts';
import { commandsOf, masked, runShown } from './readme-commands.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

it('picks what to label next as the README of the example shows it', async () => {
  const text = await readFile(join(EXAMPLES, 'least-certain/README.md'), 'utf8');
  const line = commandLine();
  const tables = [...text.matchAll(/```csv\n([^`]*)```/g)].map(([, table]) => table!);
  await writeFile(join(line.cwd, 'labelled.csv'), tables[0]!);
  await writeFile(join(line.cwd, 'new.csv'), tables[1]!);
  const commands = commandsOf(text);

  for (const { command, output } of commands)
    expect(masked(await run(line, command)), command).toBe(masked(output));

  expect(commands.map(({ command }) => command.split(' ').slice(1, 3).join(' '))).toEqual(
    expect.arrayContaining(['packages push', 'services deploy', 'services call', 'services logs']),
  );
}, 60_000);

async function run(line: CommandLine, command: string): Promise<string> {
  if (command.startsWith('modelfn ')) return runShown(line, command);
  if (command === 'cp ../modelfn/examples/nearest-centroid/adapter.ts .')
    await copyFile(join(EXAMPLES, 'nearest-centroid/adapter.ts'), join(line.cwd, 'adapter.ts'));
  else {
    expect(command).toBe('cp -r ../modelfn/examples/least-certain .');
    await cp(join(EXAMPLES, 'least-certain'), join(line.cwd, 'least-certain'), { recursive: true });
  }
  return '';
}
