import { CommanderError } from 'commander';
import { EndWith, WrongUsage } from './errors.ts';
import { EXIT_CODES, type ExitCode, exitCodeOf } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { type OutputMode, printError } from './output/print.ts';
import { createProgram } from './program.ts';

/** Runs one command line, without the names of program and script. Never throws: answers the exit code. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    const program = await createProgram(io, argv);
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT_CODES.ok;
  } catch (error) {
    return endOf(error, io, modeFrom(argv));
  }
}

function endOf(error: unknown, io: CliIo, mode: OutputMode): ExitCode {
  if (error instanceof EndWith) return error.exitCode;
  if (!(error instanceof CommanderError)) {
    printError(io, error, mode);
    return exitCodeOf(error);
  }
  if (error.exitCode === 0) return EXIT_CODES.ok;
  // A group without its verb prints its help, which is advice enough for people.
  const isHelp = error.code === 'commander.help';
  if (isHelp && !mode.json) return EXIT_CODES.usage;
  printError(io, isHelp ? new WrongUsage('The command is incomplete; see --help.') : usageOf(error), mode);
  return EXIT_CODES.usage;
}

function usageOf(error: CommanderError): WrongUsage {
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*?)\?\)$/s, '. Did you mean $1?');
  return new WrongUsage(`${message.replace(/[^.?]$/, '$&.')} See modelfn --help.`);
}

/** For what fails before the options are read, too. */
function modeFrom(argv: readonly string[]): OutputMode {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  return { json: options.includes('--json'), verbose: options.includes('--verbose') };
}
