import { ModelfnError } from '../errors.ts';

/** A filter, sort or join that cannot be read. */
export class InvalidFilter extends ModelfnError {
  override readonly name = 'InvalidFilter';
  readonly code = 'InvalidFilter';
  readonly statusCode = 400;
  constructor(where: string, problem: string) {
    super(`Invalid filter: ${where === '' ? '' : `${where}: `}${problem}.`, { details: { where, problem } });
  }
}
