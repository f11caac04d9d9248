import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EntityStore } from '../../shared/store/entity-store.ts';
import { openStore } from '../../shared/store/registry.ts';
import { project } from '../shared/store/sample-entities.ts';

const WRITER = join(import.meta.dirname, '../shared/store/write-many.ts');

/** A place where no store was opened yet. `check` throws when the store is not whole. */
export interface StorePlace {
  address: string;
  check(): Promise<void>;
}

/** Starts a process that writes to the store; it is killed when the test ends. */
export function startWriter(address: string, name: string, rounds: number): ChildProcess {
  const child = fork(WRITER, [address, name, String(rounds)], { stdio: 'inherit', execArgv: [] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** What a store promises to several processes at once. */
export function processesContract(name: string, newPlace: () => Promise<StorePlace>, rounds: number): void {
  describe(`a store that several processes write to: ${name}`, () => {
    async function open(address: string): Promise<EntityStore> {
      const store = await openStore({ address });
      onTestFinished(() => store.close());
      return store;
    }

    it('loses no write and no count', async () => {
      const { address, check } = await newPlace();
      const store = await open(address);
      await store.insert('Project', [project('shared', { org: 0 })]);

      const writers = ['w1', 'w2', 'w3', 'w4'].map((writer) => startWriter(address, writer, rounds));
      const exits = await Promise.all(writers.map((writer) => once(writer, 'exit')));

      expect(exits.map(([code]) => code)).toEqual([0, 0, 0, 0]);
      expect((await store.get('Project', 'shared'))!.org).toBe(4 * rounds);
      expect(await store.versions('Project', ['shared'])).toEqual(new Map([['shared', 4 * rounds + 1]]));
      expect(await store.count('Item', {})).toBe(8 * rounds);
      expect(new Set((await store.readEvents(1000)).map(({ sequence }) => sequence)).size).toBe(4 * rounds);
      await check();
    });

    it('is made once when all of them find none', async () => {
      const { address } = await newPlace();

      const writers = ['w1', 'w2', 'w3', 'w4'].map((writer) => startWriter(address, writer, 0));
      const exits = await Promise.all(writers.map((writer) => once(writer, 'exit')));

      expect(exits.map(([code]) => code)).toEqual([0, 0, 0, 0]);
      expect(await (await open(address)).count('Item', {})).toBe(0);
    });

    it('is whole after a process was killed in the middle of its writes', async () => {
      const { address, check } = await newPlace();
      const store = await open(address);
      await store.insert('Project', [project('shared', { org: 0 })]);

      for (const [writerName, kill] of [
        ['k1', 7],
        ['k2', 19],
        ['k3', 40],
      ] as const) {
        const writer = startWriter(address, writerName, 100_000);
        writer.on('message', (round) => round === kill && writer.kill('SIGKILL'));
        const [, signal] = await once(writer, 'exit');
        expect(signal).toBe('SIGKILL');
      }

      // Alone: what a killed process had under way has landed by then, or never will.
      const { ids, events } = await store.transaction(
        async (inside) => ({ ids: await inside.ids('Item', {}), events: await inside.readEvents(100_000) }),
        { alone: true },
      );
      expect(ids.filter((id) => id.endsWith('-a')).length).toBe(events.length);
      expect(ids.length).toBe(events.length * 2);
      expect(events.length).toBeGreaterThanOrEqual(7 + 19 + 40 + 3);
      await check();
      await store.insert('Project', [project('after')]);
    });
  });
}
