import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { liveEnvironment } from '../../shared/config.ts';

/** Fields of `/proc/<pid>/stat` behind the name of the program, which ends with ")": proc_pid_stat(5) counts from 1. */
const FIRST_FIELD = 3;
const ENV_START_FIELD = 50;

/**
 * Overwrites values of variables in the block that this process was started with: programs of the same user read it in
 * `/proc/<pid>/environ`, whatever becomes of the process's own environment, which stays as it is. Best effort: returns false where the system
 * does not allow it, as on other systems than Linux.
 */
export function eraseInitialEnvironment(isKept: (name: string) => boolean): boolean {
  const env = liveEnvironment();
  try {
    const block = readFileSync('/proc/self/environ');
    const address = findBlock();
    const memory = openSync('/proc/self/mem', 'r+');
    try {
      for (const { name, from, to } of entriesOf(block)) {
        if (isKept(name)) continue;
        const value = env[name];
        // Moves the value out of the block: the C library copies what is set.
        if (value !== undefined) env[name] = value;
        if (to > from) writeSync(memory, Buffer.alloc(to - from), 0, to - from, address + from);
      }
    } finally {
      closeSync(memory);
    }
    return true;
  } catch {
    return false;
  }
}

function findBlock(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const address = Number(fields[ENV_START_FIELD - FIRST_FIELD]);
  if (!Number.isSafeInteger(address) || address <= 0) throw new Error('no address of the environment');
  return address;
}

/** Name of each variable of the block, and where its value lies in it. */
function* entriesOf(block: Buffer): Generator<{ name: string; from: number; to: number }> {
  for (let start = 0; start < block.length; ) {
    const end = block.indexOf(0, start);
    const to = end === -1 ? block.length : end;
    const separator = block.indexOf('=', start);
    if (separator !== -1 && separator < to)
      yield { name: block.toString('utf8', start, separator), from: separator + 1, to };
    start = to + 1;
  }
}
