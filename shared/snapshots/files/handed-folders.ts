import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { sha256Of } from '../../content/file-digest.ts';
import { systemCode } from '../../errors.ts';

/** Containers that share a cache have process ids of their own; a machine's name tells them apart. */
const HOST = sha256Of(hostname()).slice(0, 8);
const FOREIGN_MS = 30 * 24 * 3600 * 1000;

/** A folder of weights in use. Read-only: its files are shared with the cache. */
export interface HandedFolder {
  readonly directory: string;
  /** Says that nobody reads from the folder any more. May be called twice. */
  release(): void;
}

type Folder = { directory: string; users: number; discarded: boolean };

/**
 * The folders one process has handed out, in a parent of its own: no other process removes them while this one
 * lives, and each is removed by this one only when it has no user.
 */
export class HandedFolders {
  readonly #root: string;
  readonly #own: string;
  readonly #folders = new Map<string, Folder>();
  #made = 0;

  constructor(root: string) {
    this.#root = root;
    this.#own = join(root, `${process.pid}.${HOST}.${randomBytes(6).toString('hex')}`);
  }

  /** The folder of that name when there is one, with one user more. */
  take(name: string): HandedFolder | undefined {
    const folder = this.#folders.get(name);
    if (folder === undefined) return undefined;
    this.#folders.delete(name);
    this.#folders.set(name, folder);
    return this.#hand(folder);
  }

  /** Has a new folder filled and hands it out when that succeeded; what fails leaves nothing behind. */
  async make(name: string, fill: (directory: string) => Promise<void>): Promise<HandedFolder> {
    this.#made += 1;
    const directory = join(this.#own, `${name}.${this.#made}`);
    const unfinished = `${directory}.unfinished`;
    await mkdir(unfinished, { recursive: true });
    try {
      await fill(unfinished);
      await rename(unfinished, directory);
    } catch (error) {
      await remove(unfinished);
      throw error;
    }
    const folder = { directory, users: 0, discarded: false };
    this.discard(name);
    this.#folders.set(name, folder);
    return this.#hand(folder);
  }

  /** Forgets a folder that is no longer sound, or was replaced; it goes when its last user has gone. */
  discard(name: string): void {
    const folder = this.#folders.get(name);
    if (folder === undefined) return;
    this.#folders.delete(name);
    folder.discarded = true;
    if (folder.users === 0) void remove(folder.directory);
  }

  /** Removes the longest unused of this process's folders without a user; false when there is none. */
  async dropOne(): Promise<boolean> {
    for (const [name, folder] of this.#folders) {
      if (folder.users > 0) continue;
      this.#folders.delete(name);
      await remove(folder.directory);
      return true;
    }
    return false;
  }

  /** Removes the folders of processes of this machine that are no more, and those of others a month after their last load. */
  async sweepDead(): Promise<void> {
    for (const name of await readdir(this.#root).catch(() => [])) {
      const [pid, host] = name.split('.');
      const folder = join(this.#root, name);
      if (host === HOST ? !isAlive(Number(pid)) : await isOlderThan(folder, FOREIGN_MS)) await remove(folder);
    }
  }

  #hand(folder: Folder): HandedFolder {
    folder.users += 1;
    let released = false;
    return {
      directory: folder.directory,
      release: () => {
        if (released) return;
        released = true;
        folder.users -= 1;
        if (folder.users === 0 && folder.discarded) void remove(folder.directory);
      },
    };
  }
}

/** Best effort: what stays behind is swept when the process is gone. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => {});
}

async function isOlderThan(folder: string, ageMs: number): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ageMs;
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}
