import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

/** Where Linux keeps files in memory. */
const MEMORY = '/dev/shm';
/** The tests need some of this; packages and bundles are the most of it. */
const LEAST_BYTES = 4 * 2 ** 30;

/**
 * Temporary folders of all tests lie in memory, where there is enough of it: thousands of small stores are made, and
 * waiting for the disk to have each of them safe takes a fifth of the time. Who sets TMPDIR has them there.
 */
export function setup(): (() => void) | undefined {
  if (process.env.TMPDIR !== undefined || freeBytes(MEMORY) < LEAST_BYTES) return undefined;
  const folder = mkdtempSync(join(MEMORY, 'modelfn-tests-'));
  // As /tmp is: what a test starts under another user, as PostgreSQL wants it, has to get to its own folder.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return () => {
    delete process.env.TMPDIR;
    rmSync(folder, { recursive: true, force: true });
  };
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
