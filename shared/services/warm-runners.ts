import type { ServiceRunner } from '../../adapters/service-runner.ts';
import type { Actor } from '../auth/actor.ts';
import { messageOf } from '../errors.ts';
import { readInputs } from '../invoke/read-inputs.ts';
import type { Container } from '../invoke/run.ts';
import { canonicalJson, deepFreeze } from '../json.ts';
import { type Held, Residents } from '../snapshots/residents.ts';
import { loadWithinLimit } from '../snapshots/shared-load.ts';
import { RunnerUnusable } from './errors.ts';
import { inputSpecsOf } from './input-specs.ts';
import { loadRunnerClass } from './runner-class.ts';
import type { ServiceFunction } from './service-function.ts';

/** Runners that a container keeps between calls. */
const MAX_RUNNERS = 8;

const kept = new WeakMap<Container, Residents<ServiceRunner>>();

/**
 * The instance of a service's class in this container: made once for what it depends on, which is the code, the module and
 * the params. The caller releases it. The signal ends the caller's waiting only; others may wait for the same instance.
 * @throws the signal's reason, RunnerUnusable, what reads its params throws, and what its constructor or `init` throws
 */
export function acquireRunner(
  container: Container,
  called: ServiceFunction,
  actor: Actor,
  signal?: AbortSignal,
): Promise<Held<ServiceRunner>> {
  const runners = kept.get(container) ?? newRunners(container);
  const { service } = called;
  const make = () =>
    loadWithinLimit({
      load: (limit) => makeRunner(container, called, actor, limit),
      dispose: (runner) => void close(container, runner),
      timedOut: (limitMs) =>
        new RunnerUnusable(
          `Service ${service.name}`,
          `was not ready within ${limitMs / 1000} s`,
          'Check its `init`, and that its code can be fetched.',
        ),
    });
  return runners.acquire(keyOf(called), make, signal);
}

function newRunners(container: Container): Residents<ServiceRunner> {
  const runners = new Residents<ServiceRunner>(
    { count: MAX_RUNNERS, bytes: Number.POSITIVE_INFINITY },
    (runner) => void close(container, runner),
  );
  kept.set(container, runners);
  return runners;
}

/** Never rejects. */
async function close({ platform }: Container, runner: ServiceRunner): Promise<void> {
  try {
    await runner.close?.();
  } catch (error) {
    platform.log.warn('a runner failed to close', { reason: messageOf(error) });
  }
}

async function makeRunner(
  container: Container,
  called: ServiceFunction,
  actor: Actor,
  signal: AbortSignal,
): Promise<ServiceRunner> {
  const { platform, entities } = container;
  const { service, module } = called;
  const runnerClass = await loadRunnerClass(platform, called, signal);
  const { inputs } = await readInputs(
    `initParams of service ${service.name}`,
    inputSpecsOf(module.initInputs),
    service.initParams,
    { store: platform.store, cache: entities, actor, projectId: service.projectId },
  );
  const runner = new runnerClass({ params: deepFreeze({ ...inputs }) });
  await runner.init?.();
  return runner;
}

function keyOf({ service, revision, module, package: { id } }: ServiceFunction): string {
  return canonicalJson([service.id, service.initParams, id, revision.codebase ?? null, module]);
}
