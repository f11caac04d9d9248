import { AsyncLocalStorage } from 'node:async_hooks';
import type { Run } from './run.ts';

const running = new AsyncLocalStorage<Run>();

/** Runs `work` as part of a run: all it calls finds the run, however deep. */
export function withinRun<T>(run: Run, work: () => T): T {
  return running.run(run, work);
}

/** The run that the caller is part of; `undefined` outside of any, as when a container warms up. */
export function currentRun(): Run | undefined {
  return running.getStore();
}
