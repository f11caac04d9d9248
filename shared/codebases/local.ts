import { stat } from 'node:fs/promises';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { digestCode } from './code-folder.ts';
import type { Checkout, Codebase } from './codebase.ts';
import { CodebaseNotFound } from './errors.ts';

/** A folder of this machine, used where it is: the digest says what it held at the checkout. */
export class LocalCodebase implements Codebase {
  readonly spec: CodebaseSpec;
  readonly #directory: string;

  /** `directory` is absolute and was found to be allowed. */
  constructor(spec: CodebaseSpec, directory: string) {
    this.spec = spec;
    this.#directory = directory;
  }

  async checkout(signal?: AbortSignal): Promise<Checkout> {
    const stats = await stat(this.#directory).catch(() => undefined);
    if (!stats?.isDirectory())
      throw new CodebaseNotFound(
        `the folder ${JSON.stringify(this.#directory)} of the model's codebase is not there`,
        'Correct its localPath, or copy the code there.',
      );
    return { directory: this.#directory, digest: await digestCode(this.#directory, signal) };
  }
}
