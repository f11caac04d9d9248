import { expect } from 'vitest';
import type { CommandLine } from './command-line.ts';

/** A command of a README and what it shows below it. */
export interface Shown {
  command: string;
  output: string;
}

/** The commands of all `console` blocks, in order. */
export function commandsOf(text: string): Shown[] {
  const blocks = [...text.matchAll(/```console\n([^`]*)```/g)].map(([, block]) => block!);
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command, ...output] = part.split('\n');
      return { command: command!, output: output.join('\n') };
    });
}

/** Runs a command that begins with `modelfn`, and answers what it printed. */
export async function runShown(line: CommandLine, command: string): Promise<string> {
  const [program, ...argv] = wordsOf(command);
  expect(program).toBe('modelfn');
  const { code, stdout, stderr } = await line.run(...argv);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Without what is another with every run, or every change of the SDK: ids, times, sizes of code. */
export function masked(text: string): string {
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<when>')
    .replace(/\b\d+(\.\d+)? m?s\b/g, '<time>')
    .replace(/(?<=(NearestCentroid|functions?), )\d+\.\d+ kB/g, '<size>')
    .replace(/passes \d+ checks/, 'passes all checks')
    .trim();
}

/** Words between spaces; what stands in single quotes is one. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
