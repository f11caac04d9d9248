import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writePngs } from '../../examples/digits/write-pngs.ts';
import { type CommandLine, commandLine } from './command-line.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const README = join(EXAMPLES, 'nearest-centroid/README.md');

/** A command of the README and what it shows below it. */
interface Shown {
  command: string;
  output: string;
}

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

function commandsOf(text: string): Shown[] {
  const blocks = [...text.matchAll(/```console\n([^`]*)```/g)].map(([, block]) => block!);
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command, ...output] = part.split('\n');
      return { command: command!, output: output.join('\n') };
    });
}

async function run(line: CommandLine, command: string): Promise<string> {
  switch (command) {
    case 'node ../modelfn/examples/digits/write-pngs.ts digits':
      return `${await writePngs(join(line.cwd, 'digits'))} images in digits`;
    case 'cp ../modelfn/examples/nearest-centroid/adapter.ts .':
      await copyFile(join(EXAMPLES, 'nearest-centroid/adapter.ts'), join(line.cwd, 'adapter.ts'));
      return '';
    default: {
      const [program, ...argv] = wordsOf(command);
      expect(program).toBe('modelfn');
      const { code, stdout, stderr } = await line.run(...argv);
      expect(code, stderr).toBe(0);
      return stdout;
    }
  }
}

/** Words between spaces; what stands in single quotes is one. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

/** Without what is another with every run, or every change of the SDK: ids, times, sizes of code. */
function masked(text: string): string {
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b/g, '<id>')
    .replace(/\b\d+(\.\d+)? m?s\b/g, '<time>')
    .replace(/(?<=NearestCentroid, )\d+\.\d+ kB/g, '<size>')
    .replace(/passes \d+ checks/, 'passes all checks')
    .trim();
}
