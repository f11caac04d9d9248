import { ModelfnError } from '../shared/errors.ts';

/** There is nothing to check an adapter on. Nothing was run. */
export class CheckDataUnusable extends ModelfnError {
  override readonly name = 'CheckDataUnusable';
  readonly code = 'CheckDataUnusable';
  readonly statusCode = 422;
  constructor(what: string, problem: string, advice: string) {
    super(`${what} ${problem}. ${advice}`, { details: { what, problem } });
  }
}
