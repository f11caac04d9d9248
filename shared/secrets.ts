/** Variables of the environment that hold a secret a user's entity may name. */
export const SECRET_PREFIX = 'MODELFN_SECRET_';

/** What an entity writes where a secret belongs: the name of its variable, never the secret. */
export const SECRET_NAME = /^MODELFN_SECRET_[A-Z0-9_]{1,100}$/;

/**
 * The secrets of the environment by the name of their variable. Printed, logged or sent as JSON it shows names alone.
 */
export class Secrets {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries(values));
  }

  /** Sorted. */
  get names(): string[] {
    return [...this.#values.keys()].sort();
  }

  /** `undefined` when the variable is not set. */
  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  toJSON(): string[] {
    return this.names;
  }
}
