import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod/mini';
import { ensurePrivateFile, PRIVATE_FILE, PRIVATE_FOLDER } from '../../shared/content/private-file.ts';
import { messageOf } from '../../shared/errors.ts';
import { AlreadyRunning, HomeUnusable } from './errors.ts';

export interface HomeLock {
  /** Notes where the server is found, for those who meet the lock. */
  announce(url: string): void;
  /** May be called twice. */
  release(): void;
}

const runningSchema = z.object({ pid: z.number(), url: z.nullable(z.string()) });

/** SQLite's code for a file that someone else has locked. */
const SQLITE_BUSY = 5;

/**
 * Makes this process the only server of a state folder. The lock is the operating system's own, on an open file: it
 * ends with the process however that ends, so none is ever stale. `server.json` beside it tells who holds it.
 * @throws AlreadyRunning naming process and URL, HomeUnusable
 */
export function lockHome(home: string): HomeLock {
  const infoPath = join(home, 'server.json');
  const database = openLock(home, infoPath);
  const write = (url: string | null): void => {
    writeFileSync(`${infoPath}.new`, JSON.stringify({ pid: process.pid, url }), {
      mode: PRIVATE_FILE,
    });
    renameSync(`${infoPath}.new`, infoPath);
  };
  write(null);
  return {
    announce: write,
    release: () => {
      if (!database.isOpen) return;
      rmSync(infoPath, { force: true });
      database.close();
    },
  };
}

function openLock(home: string, infoPath: string): DatabaseSync {
  try {
    mkdirSync(home, { recursive: true, mode: PRIVATE_FOLDER });
    const path = join(home, 'server.lock');
    ensurePrivateFile(path);
    const database = new DatabaseSync(path, { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY)
      throw new AlreadyRunning(readInfo(infoPath));
    throw new HomeUnusable(home, messageOf(error), error);
  }
}

function readInfo(path: string): { pid: number | undefined; url: string | undefined } {
  try {
    const { pid, url } = z.parse(runningSchema, JSON.parse(readFileSync(path, 'utf8')));
    return { pid, url: url ?? undefined };
  } catch {
    // The other server has just begun, or is just ending.
    return { pid: undefined, url: undefined };
  }
}
