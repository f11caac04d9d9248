import { messageOf } from '../errors.ts';
import type { JsonObject } from '../json.ts';

/** What ends a state, under the name that Retry and Catch match. */
export class StateError extends Error {
  override readonly name: string;
  /** Errors of a state's own that no wildcard takes. */
  readonly isFinal: boolean;

  constructor(name: string, cause: string, options: { isFinal?: boolean; of?: unknown } = {}) {
    super(cause, { cause: options.of });
    this.name = name;
    this.isFinal = options.isFinal ?? false;
  }

  /** `$states.errorOutput`. */
  toOutput(): JsonObject {
    return { Error: this.name, Cause: this.message };
  }
}

/** Any thrown value as a state's error: its name is the error's. */
export function toStateError(error: unknown): StateError {
  if (error instanceof StateError) return error;
  const name = error instanceof Error ? error.name : 'Error';
  return new StateError(name, messageOf(error), { of: error });
}

/** Whether a name of `ErrorEquals` takes an error. https://states-language.net/spec.html#error-representation */
export function matchesError(names: readonly string[], error: StateError): boolean {
  return names.some((name) => {
    if (name === error.name) return true;
    if (name === 'States.ALL') return !error.isFinal;
    return name === 'States.TaskFailed' && !error.isFinal && error.name !== 'States.Timeout';
  });
}
