import { compact, ModelfnError } from '../errors.ts';

/** An archive of code that is damaged or hostile. Nothing of it was unpacked. */
export class ArchiveRefused extends ModelfnError {
  override readonly name = 'ArchiveRefused';
  readonly code = 'ArchiveRefused';
  readonly statusCode = 422;
  constructor(problem: string, entry?: string, cause?: unknown) {
    const where = entry === undefined ? '' : ` (entry ${JSON.stringify(entry.slice(0, 200))})`;
    super(`The archive is refused: ${problem}${where}. Pack the folder of the code again and upload that.`, {
      details: compact({ problem, entry: entry?.slice(0, 200) }),
      cause,
    });
  }
}

/** The place a codebase's spec names is not there. */
export class CodebaseNotFound extends ModelfnError {
  override readonly name = 'CodebaseNotFound';
  readonly code = 'CodebaseNotFound';
  readonly statusCode = 404;
  constructor(what: string, advice: string, cause?: unknown) {
    super(`There is no code to load: ${what}. ${advice}`, { details: { what }, cause });
  }
}

/** A local folder whose code was written to during every attempt to copy it. */
export class CodebaseChanging extends ModelfnError {
  override readonly name = 'CodebaseChanging';
  readonly code = 'CodebaseChanging';
  readonly statusCode = 409;
  constructor(directory: string) {
    super(
      `The folder ${JSON.stringify(directory)} of the model's codebase changes while it is read. ` +
        'Wait until nothing writes to it; a folder that a program writes to all the time cannot be a codebase.',
      { details: { directory } },
    );
  }
}

/** Code that imports a file which is not part of its codebase. */
export class ImportRefused extends ModelfnError {
  override readonly name = 'ImportRefused';
  readonly code = 'ImportRefused';
  readonly statusCode = 422;
  constructor(specifier: string, file: string) {
    super(
      `${file} imports ${JSON.stringify(specifier)}, which is outside of its codebase, so that its digest would not name ` +
        'the code that runs. Push the code with `modelfn models push`, which bundles what it imports.',
      { details: { specifier, file } },
    );
  }
}

/** A local folder outside the folders this machine opens to codebases. */
export class CodebaseNotAllowed extends ModelfnError {
  override readonly name = 'CodebaseNotAllowed';
  readonly code = 'CodebaseNotAllowed';
  readonly statusCode = 403;
  constructor(localPath: string) {
    super(
      `The folder ${JSON.stringify(localPath)} may not be used as a codebase: it is not an absolute path inside the ` +
        'allowed folders, or it overlaps the state folder. Add a folder above it to MODELFN_LOCAL_ROOTS, or push the code to the project.',
      { details: { localPath } },
    );
  }
}

/** A codebase type that nothing here can open. */
export class CodebaseDriverMissing extends ModelfnError {
  override readonly name = 'CodebaseDriverMissing';
  readonly code = 'CodebaseDriverMissing';
  readonly statusCode = 501;
  constructor(type: string, known: readonly string[]) {
    super(
      `There is no driver for a codebase of type ${JSON.stringify(type)}. There are: ${known.join(', ')}.`,
      {
        details: { type, known: [...known] },
      },
    );
  }
}
