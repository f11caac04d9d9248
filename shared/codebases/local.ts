import { constants, copyFile, mkdir, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { checkoutFolder, hasCheckout } from './checkout-folder.ts';
import { codeFiles, digestCode } from './code-folder.ts';
import type { Checkout, Codebase } from './codebase.ts';
import { CodebaseChanging, CodebaseNotFound } from './errors.ts';

/** Checkouts that find the folder changed while it was copied start again, this often in all. */
const MAX_TRIES = 5;

/**
 * A folder of this machine. A checkout is a copy of its code files, named by their digest: what runs is what the digest
 * names, also when the folder changes while a process has it loaded. Files that are not code are not in the copy, so
 * that they cannot be imported.
 */
export class LocalCodebase implements Codebase {
  readonly spec: CodebaseSpec;
  readonly #directory: string;
  readonly #cacheDirectory: string;

  /** `directory` is absolute and was found to be allowed. */
  constructor(spec: CodebaseSpec, directory: string, cacheDirectory: string) {
    this.spec = spec;
    this.#directory = directory;
    this.#cacheDirectory = cacheDirectory;
  }

  /** @throws CodebaseNotFound, CodebaseChanging, FileRefused, StorageUnavailable */
  async checkout(signal?: AbortSignal): Promise<Checkout> {
    const stats = await stat(this.#directory).catch(() => undefined);
    if (!stats?.isDirectory())
      throw new CodebaseNotFound(
        `the folder ${JSON.stringify(this.#directory)} of the model's codebase is not there`,
        'Correct its localPath, or copy the code there.',
      );
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const digest = await digestCode(this.#directory, signal);
      const directory = await this.#copyOf(digest, signal);
      if (directory !== undefined) return { directory, digest };
    }
    throw new CodebaseChanging(this.#directory);
  }

  /** Undefined when the folder changed meanwhile: then nothing is left under the digest's name. */
  async #copyOf(digest: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (await hasCheckout(this.#cacheDirectory, digest))
      return this.#used(join(this.#cacheDirectory, digest));
    try {
      return await checkoutFolder(this.#cacheDirectory, digest, async (folder) => {
        await copyCode(this.#directory, folder, signal);
        if ((await digestCode(folder, signal)) !== digest) throw new CodebaseChanging(this.#directory);
      });
    } catch (error) {
      if (error instanceof CodebaseChanging) return undefined;
      throw error;
    }
  }

  /** Records the time of use, by which `modelfn gc` finds old copies. */
  async #used(directory: string): Promise<string> {
    const now = new Date();
    await utimes(directory, now, now).catch(() => {});
    return directory;
  }
}

async function copyCode(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  for await (const { path, absolutePath } of codeFiles(from)) {
    signal?.throwIfAborted();
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    // Shares the blocks where the file system can.
    await copyFile(absolutePath, target, constants.COPYFILE_FICLONE);
  }
}
