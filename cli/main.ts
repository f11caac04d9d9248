import { createInterface } from 'node:readline/promises';
import { Cancelled } from '../shared/errors.ts';
import type { CliIo } from './io.ts';
import { eraseInitialEnvironment } from './local/initial-environment.ts';
import { isVisible } from './local/worker-variables.ts';
import { runCli } from './run-cli.ts';

// Adapters run under the same user, and could read this process's initial environment.
eraseInitialEnvironment(isVisible);
const interruption = new AbortController();

process.on('SIGINT', () => {
  // The second Ctrl-C does not wait.
  if (interruption.signal.aborted) process.exit(130);
  interruption.abort(new Error('Ctrl-C'));
});
// A reader such as `head` that has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const io: CliIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  isTTY: process.stderr.isTTY === true,
  columns: process.stderr.columns,
  env: process.env,
  cwd: process.cwd(),
  now: Date.now,
  interrupted: interruption.signal,
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
};

const exitCode = await runCli(process.argv.slice(2), io);
// An adapter's code may have left something open; what was printed goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));

/** @throws Cancelled at Ctrl-C, and at the end of input */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  for (const event of ['SIGINT', 'close'] as const) lines.once(event, () => left.abort());
  try {
    return await lines.question(question, { signal: AbortSignal.any([left.signal, interruption.signal]) });
  } catch (error) {
    throw new Cancelled('The command', error);
  } finally {
    lines.close();
  }
}
