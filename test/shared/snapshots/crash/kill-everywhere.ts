import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inParallel } from '../../../../shared/content/in-parallel.ts';
import { type Boundaries, type Programs, runDying, type Scenario } from './crash-cases.ts';
import { stateLeft } from './state-left.ts';

/** Runs whose calls come in another order than the counted one's make a few more. */
const MARGIN = 5;

export interface KillPlan<T> {
  folder: string;
  count: Boundaries;
  check: (home: string) => Promise<T>;
  /** Kills at every so many boundaries; default all. */
  stride?: number;
  /** The first of them, from 1. */
  first?: number;
}

/**
 * Kills a scenario at every boundary there is, or every `stride`th. What has to hold, `check`, is asked once for each state of disk and store
 * that a kill left, and of the run that lived; it removes the state folder it is given. Answers what `check` answered.
 */
export async function killEverywhere<T>(
  programs: Programs,
  scenario: Scenario,
  { folder, count, check, stride = 1, first = 1 }: KillPlan<T>,
): Promise<{ killed: number; states: number; found: Set<T> }> {
  const home = (killAt: number) => join(folder, `${scenario.name ?? scenario.work}-${killAt}`);
  const alive = await runDying(programs, scenario, home(0), 0, count);
  if (alive.killed) throw new Error('the run that was to live was killed');
  await check(home(0));
  const boundaries = Array.from({ length: alive.boundaries + MARGIN }, (_, index) => index + 1).filter(
    (killAt) => (killAt - first) % stride === 0,
  );
  const found = new Set<T>();
  const states = new Set<string>();
  let killed = 0;
  await inParallel(boundaries, availableParallelism() + 1, async (killAt) => {
    const end = await runDying(programs, scenario, home(killAt), killAt, count);
    if (end.killed) killed += 1;
    const state = await stateLeft(home(killAt));
    const isNew = !states.has(state);
    states.add(state);
    if (!isNew) return rm(home(killAt), { recursive: true, force: true });
    const answer = await check(home(killAt)).catch((error: unknown) => {
      throw new Error(`killed ahead of call ${killAt} of ${alive.boundaries}`, { cause: error });
    });
    found.add(answer);
  });
  const what = scenario.name ?? scenario.work;
  console.log(
    `${what}: killed at ${killed} of ${alive.boundaries} boundaries, which left ${states.size} states`,
  );
  return { killed, states: states.size, found };
}
