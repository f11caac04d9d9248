import type { BigIntStats } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { digestFile } from '../../content/file-digest.ts';
import { systemCode } from '../../errors.ts';

/** What tells one state of a file from the next. */
export interface FileState {
  ino: bigint;
  sizeBytes: number;
  mtimeMs: number;
}

type Seen = { sizeBytes: number; mtimeMs: number; sha256: string };

/**
 * Remembers which files of this process were hashed, so that each is read for that only once. A file counts as the
 * same while inode, size and time of the last write are; the times are kept on whole seconds (`stamp`), which a
 * later write does not hit.
 */
export class VerifiedFiles {
  readonly #seen = new Map<bigint, Seen>();

  /** True when the file has these bytes now; false when it has others or is absent. */
  async check(path: string, sha256: string, signal?: AbortSignal): Promise<boolean> {
    try {
      const before = await look(path);
      const seen = this.#seen.get(before.ino);
      if (seen && seen.sizeBytes === before.sizeBytes && seen.mtimeMs === before.mtimeMs)
        return seen.sha256 === sha256;
      const found = await digestFile(path, signal);
      const after = await look(path);
      if (found.sha256 !== sha256 || after.mtimeMs !== before.mtimeMs) return false;
      await stamp(path);
      this.remember(await look(path), sha256);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Notes a file that was hashed while it was written. */
  remember({ ino, sizeBytes, mtimeMs }: FileState, sha256: string): void {
    this.#seen.set(ino, { sizeBytes, mtimeMs, sha256 });
  }
}

/** A file's state from what the system tells of it. */
export function stateOf({ ino, size, mtimeNs }: BigIntStats): FileState {
  return { ino, sizeBytes: Number(size), mtimeMs: Number(mtimeNs) / 1e6 };
}

/** Marks a file as used now. The time of its last write is cut to a whole second and from then on stays. */
export async function stamp(path: string, nowMs: number = Date.now()): Promise<void> {
  const { mtimeMs } = await stat(path);
  await utimes(path, nowMs / 1000, Math.floor(mtimeMs / 1000));
}

async function look(path: string): Promise<FileState> {
  return stateOf(await stat(path, { bigint: true }));
}
