import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A new folder, in memory where the machine has such a place: a disk that has just removed thousands of files takes
 * milliseconds to make the next one (ext4 looks for inodes that are long unused), which is no property of a load.
 */
export function scratchFolder(): Promise<string> {
  return mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'modelfn-bench-'));
}
