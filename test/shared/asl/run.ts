import type { Machine } from '../../../shared/asl/machine.ts';
import { type MachineResult, type MachineRun, runMachine } from '../../../shared/asl/run-machine.ts';
import type { Json } from '../../../shared/json.ts';

/** What a run of a test did beside its result. */
export interface WatchedRun {
  result: MachineResult;
  /** States in the order they were entered. */
  states: string[];
  /** Milliseconds of each wait; none is waited. */
  waits: number[];
}

/** Runs a machine whose waits pass at once. Tasks go to `tasks` by the state's name. */
export async function runWatched(
  machine: Machine,
  input: Json,
  tasks: Record<string, (given: Json, retryCount: number) => Json | Promise<Json>> = {},
  more: Partial<MachineRun> = {},
): Promise<WatchedRun> {
  const states: string[] = [];
  const waits: number[] = [];
  const result = await runMachine({
    machine,
    input,
    execution: { id: 'arn:execution', name: 'execution-1', startTime: '2026-01-31T12:00:00.000Z' },
    runTask: async ({ stateName, arguments: given, retryCount }) => {
      const task = tasks[stateName];
      if (!task) throw new Error(`no task was expected of ${stateName}`);
      return task(given, retryCount);
    },
    wait: async (milliseconds) => void waits.push(milliseconds),
    now: () => Date.parse('2026-01-31T12:00:00Z'),
    random: () => 0.5,
    onState: (name) => states.push(name),
    ...more,
  });
  return { result, states, waits };
}

/** An error under the name that Retry and Catch see. */
export function failureNamed(name: string, message = 'so'): Error {
  return Object.assign(new Error(message), { name });
}
