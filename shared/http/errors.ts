import { ModelfnError } from '../errors.ts';

/** A body that cannot be read before its fields are even looked at. */
export class InvalidBody extends ModelfnError {
  override readonly name = 'InvalidBody';
  readonly code: string = 'InvalidBody';
  readonly statusCode: number = 400;
  constructor(problem: string, cause?: unknown) {
    super(`The body of the request cannot be read: ${problem}.`, { details: { problem }, cause });
  }
}

/** A body over the limit; a compressed one counts by its size when unpacked. */
export class BodyTooLarge extends InvalidBody {
  override readonly code = 'BodyTooLarge';
  override readonly statusCode = 413;
}

/** A body in an encoding or charset that is not read. */
export class UnsupportedEncoding extends InvalidBody {
  override readonly code = 'UnsupportedEncoding';
  override readonly statusCode = 415;
}
