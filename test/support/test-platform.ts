import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { type Config, readConfig } from '../../shared/config.ts';
import type { Ids } from '../../shared/ids.ts';
import { silentLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import type { Platform } from '../../shared/platform.ts';

/** A clock that stands still until it is told to move. */
export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

export interface TestPlatform extends Platform {
  readonly clock: TestClock;
}

/** The time every test platform starts at. */
export const TEST_NOW = Date.parse('2026-01-31T12:00:00.000Z');

/**
 * A real platform on a temporary folder, which `close` removes: SQLite store, local contents and buckets, a clock
 * that stands still, ids that count up.
 */
export async function openTestPlatform(overrides: Partial<Config> = {}): Promise<TestPlatform> {
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-test-'));
  const config = {
    ...readConfig({ MODELFN_HOME: join(folder, 'state'), MODELFN_LOG_LEVEL: 'silent' }),
    ...overrides,
    localRoots: [...(overrides.localRoots ?? []), join(folder, 'open')],
  };
  const clock = testClock();
  const platform = await openPlatform(config, { clock, ids: countingIds(), log: silentLog });
  return {
    ...platform,
    clock,
    close: async () => {
      await platform.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Returns a path in a folder of the test platform that specs and calls may name. Nothing is created. */
export function openPath({ config }: Pick<Platform, 'config'>, ...names: string[]): string {
  return join(config.localRoots.at(-1)!, ...names);
}

export function testClock(start = TEST_NOW): TestClock {
  let now = start;
  return {
    now: () => now,
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
}

/** Ids in the order they are asked for, the same in every run. */
export function countingIds(): Ids {
  let count = 0;
  const hex = (): string => {
    count += 1;
    return createHash('sha256').update(String(count)).digest('hex');
  };
  return {
    objectId: () => hex().slice(0, 24),
    uuid: () => hex().replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5'),
  };
}
