import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { devNull } from 'node:os';
import { DatabaseSync, StatementSync } from 'node:sqlite';

/**
 * Preloaded into a process: counts its calls to the file system and its writes to SQLite, and kills the process with
 * SIGKILL ahead of call number `KILL_AT`. A process that lives prints at its end how many it made.
 */
const killAt = Number(process.env.KILL_AT ?? 0);
let crossed = 0;

type Member = (this: unknown, ...given: unknown[]) => unknown;

function cross(): void {
  crossed += 1;
  if (crossed === killAt) process.kill(process.pid, 'SIGKILL');
}

function counting(member: Member): Member {
  const counted: Member = function (...given) {
    cross();
    return member.apply(this, given);
  };
  return Object.assign(counted, member);
}

function watch(target: object, names: readonly string[]): void {
  const members = target as Record<string, Member>;
  for (const name of names) members[name] = counting(members[name]!);
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
