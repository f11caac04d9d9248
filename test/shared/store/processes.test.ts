import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { project } from './sample-entities.ts';

const WRITER = join(import.meta.dirname, 'write-many.ts');

async function open(path: string): Promise<EntityStore> {
  const store = await openSqliteStore({ path });
  onTestFinished(() => store.close());
  return store;
}

function startWriter(path: string, name: string, rounds: number) {
  const child = fork(WRITER, [path, name, String(rounds)], { stdio: 'inherit', execArgv: [] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

function integrityOf(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return database.prepare('pragma integrity_check').get()!.integrity_check;
  } finally {
    database.close();
  }
}

describe('a store that several processes write to', () => {
  it('loses no write and no count', async () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const store = await open(path);
    await store.insert('Project', [project('shared', { org: 0 })]);

    const writers = ['w1', 'w2', 'w3', 'w4'].map((name) => startWriter(path, name, 60));
    const exits = await Promise.all(writers.map((writer) => once(writer, 'exit')));

    expect(exits.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    expect((await store.get('Project', 'shared'))!.org).toBe(240);
    expect(await store.versions('Project', ['shared'])).toEqual(new Map([['shared', 241]]));
    expect(await store.count('Item', {})).toBe(480);
    expect(new Set((await store.readEvents(1000)).map(({ sequence }) => sequence)).size).toBe(240);
    expect(integrityOf(path)).toBe('ok');
  });

  it('moves the change mark of a reader when another process wrote', async () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const store = await open(path);
    await store.insert('Project', [project('shared', { org: 0 })]);
    const before = store.changeMark('Project');

    await once(startWriter(path, 'w1', 1), 'exit');

    expect(before).toBeDefined();
    expect(store.changeMark('Project')).not.toBe(before);
  });

  it('is made once when all of them find no file', async () => {
    const path = join(temporaryFolder(), 'store.sqlite');

    const writers = ['w1', 'w2', 'w3', 'w4'].map((name) => startWriter(path, name, 0));
    const exits = await Promise.all(writers.map((writer) => once(writer, 'exit')));

    expect(exits.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    expect(await (await open(path)).count('Item', {})).toBe(0);
  });

  it('is whole after a process was killed in the middle of its writes', async () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const store = await open(path);
    await store.insert('Project', [project('shared', { org: 0 })]);

    for (const [name, kill] of [
      ['k1', 7],
      ['k2', 19],
      ['k3', 40],
    ] as const) {
      const writer = startWriter(path, name, 100_000);
      writer.on('message', (round) => round === kill && writer.kill('SIGKILL'));
      const [, signal] = await once(writer, 'exit');
      expect(signal).toBe('SIGKILL');
    }

    const ids = await store.ids('Item', {});
    const events = await store.readEvents(100_000);
    expect(ids.filter((id) => id.endsWith('-a')).length).toBe(events.length);
    expect(ids.length).toBe(events.length * 2);
    expect(events.length).toBeGreaterThanOrEqual(7 + 19 + 40 + 3);
    expect(integrityOf(path)).toBe('ok');
    await store.insert('Project', [project('after')]);
  });
});
