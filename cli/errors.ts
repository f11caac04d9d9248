import { ModelfnError } from '../shared/errors.ts';
import type { ExitCode } from './exit-codes.ts';

/** A command line that cannot be understood. Nothing was done. */
export class WrongUsage extends ModelfnError {
  override readonly name = 'WrongUsage';
  readonly code = 'WrongUsage';
  readonly statusCode = 400;
}

/** A path of the command line where nothing usable is. Nothing was done. */
export class PathUnusable extends ModelfnError {
  override readonly name = 'PathUnusable';
  readonly code = 'PathUnusable';
  readonly statusCode = 400;
  constructor(path: string, problem: string, advice: string, cause?: unknown) {
    super(`${JSON.stringify(path)} ${problem}. ${advice}`, { details: { path, problem }, cause });
  }
}

/** An adapter's source that cannot be bundled. `problems` read `file:line:column: what`. */
export class AdapterNotBundled extends ModelfnError {
  override readonly name = 'AdapterNotBundled';
  readonly code = 'AdapterNotBundled';
  readonly statusCode = 422;
  constructor(path: string, problems: readonly string[], cause?: unknown) {
    super(`The adapter ${path} cannot be bundled:\n${problems.map((line) => `  ${line}`).join('\n')}`, {
      details: { path, problems: [...problems] },
      cause,
    });
  }
}

/** A package's source that cannot be bundled. `problems` read `file:line:column: what`. */
export class PackageNotBundled extends ModelfnError {
  override readonly name = 'PackageNotBundled';
  readonly code = 'PackageNotBundled';
  readonly statusCode = 422;
  constructor(path: string, problems: readonly string[], cause?: unknown) {
    super(`The file ${path} cannot be bundled:\n${problems.map((line) => `  ${line}`).join('\n')}`, {
      details: { path, problems: [...problems] },
      cause,
    });
  }
}

/** A bundle in which no adapter class, or more than one, was found. */
export class AdapterClassNotFound extends ModelfnError {
  override readonly name = 'AdapterClassNotFound';
  readonly code = 'AdapterClassNotFound';
  readonly statusCode = 422;
  constructor(path: string, problem: string, found: readonly string[]) {
    super(`${path} ${problem}`, { details: { path, found: [...found] } });
  }
}

/** The answer was printed, and tells of something that failed: ends the command with a code. */
export class EndWith extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}
