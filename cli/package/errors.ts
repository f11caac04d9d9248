import { ModelfnError } from '../../shared/errors.ts';

/** The package could not be written; what was there before is gone or as it was. */
export class PackageFailed extends ModelfnError {
  override readonly name = 'PackageFailed';
  readonly code = 'PackageFailed';
  readonly statusCode = 500;
  constructor(step: string, output: string, cause?: unknown) {
    super(`${step} failed:\n${output.trim().slice(-4_000)}`, { details: { step }, cause });
  }
}

/** The native parts of the target cannot be had, or are not those that package-lock.json names. */
export class NativePartsMissing extends ModelfnError {
  override readonly name = 'NativePartsMissing';
  readonly code = 'NativePartsMissing';
  readonly statusCode = 502;
  constructor(names: readonly string[], reason: string, cause?: unknown) {
    super(
      `The native parts ${names.join(', ')} are not installed here, and npm could not bring them: ${reason} ` +
        'Package on a machine that reaches the registry, or on one of the architecture that is deployed to.',
      { details: { names: [...names] }, cause },
    );
  }
}
