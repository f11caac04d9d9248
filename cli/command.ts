import type { Command } from 'commander';
import { type Desk, openDesk } from './desk.ts';
import { EndWith } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { type OutputMode, printReply, type Reply } from './output/print.ts';
import type { Session } from './session.ts';

/** A reply, and the exit code where it tells of something that failed. */
export type Answer = Reply & { exitCode?: ExitCode };

/**
 * The action of a command: opens the state folder, does the work with the command's arguments and options, closes,
 * prints. `Args` are the arguments in order, then the options.
 */
export function onSession<Args extends readonly unknown[]>(
  io: CliIo,
  work: (session: Session, ...args: Args) => Promise<Answer>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const mode = modeOf(args.at(-1) as Command);
    const { openSession } = await import('./session.ts');
    const session = await openSession(io, mode);
    let answer: Answer;
    try {
      answer = await work(session, ...(args.slice(0, -1) as unknown as Args));
    } finally {
      await session.close();
    }
    give(io, answer, mode);
  };
}

/** The action of a command that needs no state folder, and makes none. */
export function onDesk<Args extends readonly unknown[]>(
  io: CliIo,
  work: (desk: Desk, ...args: Args) => Promise<Answer>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const mode = modeOf(args.at(-1) as Command);
    const desk = openDesk(io, mode);
    give(io, await work(desk, ...(args.slice(0, -1) as unknown as Args)), mode);
  };
}

/** The options that every command takes. */
export function modeOf(command: Command): OutputMode {
  const { json, verbose } = command.optsWithGlobals<Partial<OutputMode>>();
  return { json: json ?? false, verbose: verbose ?? false };
}

/** Examples at the end of a command's help, one a line. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExample${examples.length === 1 ? '' : 's'}:\n${examples.map((each) => `  $ ${each}`).join('\n')}`,
  );
}

function give(io: CliIo, answer: Answer, mode: OutputMode): void {
  printReply(io, answer, mode);
  if (answer.exitCode) throw new EndWith(answer.exitCode);
}
