import type { Command } from 'commander';
import type { CliIo } from '../../../cli/io.ts';
import { createProgram } from '../../../cli/program.ts';
import type { CommandTable } from './document-rules.ts';

/** What the command line takes today, read from the program itself. */
export async function readCommandTable(io: CliIo): Promise<CommandTable> {
  const names = (await createProgram(io, [])).commands.map((command) => command.name());
  const table = new Map<string, ReadonlySet<string>>();
  for (const name of names) {
    const program = await createProgram(io, [name]);
    const command = program.commands.find((each) => each.name() === name)!;
    addCommand(table, command, name);
  }
  return table;
}

function addCommand(table: Map<string, ReadonlySet<string>>, command: Command, words: string): void {
  table.set(
    words,
    new Set(command.options.flatMap(({ long, short }) => [long, short].filter((flag) => flag != null))),
  );
  for (const child of command.commands) addCommand(table, child, `${words} ${child.name()}`);
}
