import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { devNull } from 'node:os';
import { DatabaseSync, StatementSync } from 'node:sqlite';

/**
 * Preloaded into a process: counts its calls to the file system and its writes to SQLite, and kills the process with
 * SIGKILL ahead of call number `KILL_AT`. A process that lives prints at its end how many it made. With `COUNT=changes`
 * the calls that only read do not count: a kill ahead of one leaves what a kill ahead of the next change leaves.
 */
const killAt = Number(process.env.KILL_AT ?? 0);
const changesAlone = process.env.COUNT === 'changes';
let crossed = 0;

/** Calls that leave the disk as it was, without their `Sync`. `open` is asked for what. */
const READS = new Set(
  'access close datasync exists fstat glob lstat opendir read readdir readFile readlink realpath stat statfs sync'.split(
    ' ',
  ),
);

type Member = (this: unknown, ...given: unknown[]) => unknown;

function cross(): void {
  crossed += 1;
  if (crossed === killAt) process.kill(process.pid, 'SIGKILL');
}

function counting(name: string, member: Member): Member {
  const plain = name.replace(/Sync$/, '');
  const counted: Member = function (...given) {
    const reads = READS.has(plain) || (plain === 'open' && (given[1] ?? 'r') === 'r');
    if (!(changesAlone && reads)) cross();
    return member.apply(this, given);
  };
  return Object.assign(counted, member);
}

function watch(target: object, names: readonly string[]): void {
  const members = target as Record<string, Member>;
  for (const name of names) members[name] = counting(name, members[name]!);
}

const isFunction = (target: object, name: string): boolean =>
  typeof (target as Record<string, unknown>)[name] === 'function' && /^[a-z]/.test(name);

const handle = await promises.open(devNull, 'r');
const ofHandles: object = Object.getPrototypeOf(handle);
await handle.close();
watch(ofHandles, ['read', 'write', 'sync', 'datasync', 'stat', 'truncate', 'chmod', 'utimes', 'close']);
watch(
  promises,
  Object.keys(promises).filter((name) => isFunction(promises, name)),
);
watch(
  fs,
  Object.keys(fs).filter((name) => name.endsWith('Sync') && isFunction(fs, name)),
);
watch(DatabaseSync.prototype, ['exec', 'close']);
watch(StatementSync.prototype, ['run']);
syncBuiltinESMExports();

process.on('exit', () => {
  process.stdout.write(`\nboundaries ${crossed}\n`);
});
