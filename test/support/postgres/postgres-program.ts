import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { databasesBy, type PostgresServer } from './postgres-server.ts';

const run = promisify(execFile);
/** PostgreSQL refuses to run as root: then it runs as nobody. */
const NOBODY = 65_534;
const READY = /ready to accept connections/;

/** Nothing is worth keeping after a test, and some clients are many. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  listen_addresses: '',
  max_connections: '60',
  shared_buffers: '32MB',
};

/** A server of one's own on a socket in a temporary folder; `undefined` where there is no PostgreSQL on the path. */
export async function startPostgresProgram(): Promise<PostgresServer | undefined> {
  const [initdb, postgres] = await Promise.all([found('initdb'), found('postgres')]);
  if (initdb === undefined || postgres === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-pg-'));
  const isRoot = process.getuid?.() === 0;
  const who = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) await chown(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const options = { ...who, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } };
  const { stdout } = await run(postgres, ['--version']);
  await run(initdb, ['-D', data, '-U', 'modelfn', '-E', 'UTF8', '--locale=C', '-A', 'trust', '-N'], options);
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(postgres, ['-D', data, '-k', folder, ...settings], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // A process that ends without having stopped it leaves none behind.
  const end = () => child.kill('SIGINT');
  process.once('exit', end);
  await ready(child);
  const addressOf = (database: string) =>
    `postgres:///${database}?user=modelfn&host=${encodeURIComponent(folder)}`;
  return {
    what: stdout.trim(),
    isConcurrent: true,
    addressOf,
    ...databasesBy(addressOf('postgres')),
    stop: async () => {
      // At once: it waits for no client.
      end();
      process.off('exit', end);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function found(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      await access(path);
      return path;
    } catch {
      // It is in none of the folders before.
    }
  }
  return undefined;
}

async function ready(child: ChildProcess): Promise<void> {
  let told = '';
  const ended = once(child, 'exit').then(() => {
    throw new Error(`PostgreSQL did not start:\n${told}`);
  });
  const started = new Promise<void>((resolve) => {
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      told = `${told}${text}`.slice(-10_000);
      if (READY.test(told)) resolve();
    });
  });
  ended.catch(() => {});
  await Promise.race([started, ended]);
}
