import type { FunctionContext } from '../../adapters/service-runner.ts';
import type { Actor } from '../auth/actor.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { isModelfnError } from '../errors.ts';
import type { Run } from '../invoke/run.ts';
import type { JsonObject } from '../json.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { checkOutput } from './check-output.ts';
import { FunctionFailed } from './errors.ts';
import { functionContext } from './function-context.ts';
import { acquireModel } from './loaded-model.ts';
import type { ServiceFunction } from './service-function.ts';
import { acquireRunner } from './warm-runners.ts';

type Method = (inputs: Record<string, unknown>, context: FunctionContext) => unknown;

/**
 * Runs one function of a service: its class from the container's memory, its inputs resolved, its answer checked.
 * @throws FunctionFailed for what the function throws; errors of modelfn pass as they are; OutputInvalid, RunnerUnusable
 */
export async function runFunction(
  called: ServiceFunction,
  inputs: Readonly<Record<string, unknown>>,
  run: Run,
): Promise<JsonObject> {
  const { service, declared } = called;
  const actor: Actor = { email: run.actor.email, projectIds: [service.projectId] };
  const releases: (() => void)[] = [];
  try {
    const given: Record<string, unknown> = {};
    const loading = new Set(declared.input.filter(({ load }) => load).map(({ name }) => name));
    for (const [name, value] of Object.entries(inputs)) given[name] = value;
    for (const name of loading) {
      if (given[name] === undefined) continue;
      given[name] = await take(() => loadAll(given[name] as Snapshot));
    }
    const runner = await take(() => acquireRunner(run.container, called, actor, run.signal));
    const method = (runner as unknown as Record<string, Method>)[declared.name]!;
    const answer = await endedBy(run.signal, () => method.call(runner, given, functionContext(called, run)));
    return await checkOutput(run.container, declared.name, declared.output, answer, {
      actor,
      projectId: service.projectId,
    });
  } catch (error) {
    throw isModelfnError(error) ? error : new FunctionFailed(service.name, declared.name, error);
  } finally {
    for (const release of releases) release();
  }

  async function take<T>(acquire: () => Promise<{ value: T; release: () => void }>): Promise<T> {
    const { value, release } = await acquire();
    releases.push(release);
    return value;
  }

  function loadAll(snapshot: Snapshot) {
    return acquireModel(snapshot, run);
  }
}

/**
 * Waits for the work, but no longer than the signal lets it: code that does not look at the signal is left behind, and what
 * it writes from then on is refused.
 */
async function endedBy(signal: AbortSignal, work: () => unknown): Promise<unknown> {
  signal.throwIfAborted();
  return unlessAborted((async () => work())(), signal);
}
