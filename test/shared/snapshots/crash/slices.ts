import type { BuiltInAdapters } from '../../../../adapters/built-in-adapters.ts';
import type { ModelAdapterClass } from '../../../../adapters/model-adapter.ts';
import { SvmAdapter } from '../../../../adapters/svm/svm-adapter.ts';
import { trainFunction } from '../../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../../shared/auth/actor.ts';
import type { Clock } from '../../../../shared/clock.ts';
import { createContainer } from '../../../../shared/invoke/handler.ts';
import { invoke } from '../../../../shared/invoke/invoke.ts';
import type { JsonObject } from '../../../../shared/json.ts';
import type { Platform } from '../../../../shared/platform.ts';
import { SoftmaxAdapter } from '../../../support/softmax-adapter.ts';
import { DYING_RUN } from './dying-run.ts';

/** What a slice keeps at most for its last checkpoint. */
const RESERVE_MS = 30_000;

const ADAPTERS: Readonly<Record<string, unknown>> = {
  'modelfn/softmax': SoftmaxAdapter,
  'modelfn/svm': SvmAdapter,
};

const builtIns: BuiltInAdapters = {
  has: (entryPoint) => entryPoint in ADAPTERS,
  load: async (entryPoint) => ADAPTERS[entryPoint] as ModelAdapterClass,
};

/** How the time of a container passes: by being looked at. A checkpoint is due after a minute. */
export interface Pace {
  /** Milliseconds a look. */
  tickMs: number;
  /** Looks until a slice has to yield; 0 never. */
  looks: number;
}

/** Trains to the end in slices, each in a container of its own. Answers how many slices it took. */
export async function trainToEnd(
  platform: Platform,
  input: JsonObject,
  { tickMs, looks }: Pace,
): Promise<number> {
  for (let slices = 1; ; slices += 1) {
    let now = platform.clock.now();
    const ticking: Clock = {
      now: () => {
        now += tickMs;
        return now;
      },
    };
    const deadline = looks === 0 ? undefined : now + RESERVE_MS + looks * tickMs;
    const outcome = await invoke(createContainer({ ...platform, clock: ticking }, builtIns), trainFunction, {
      functionName: 'train',
      executionId: DYING_RUN,
      input,
      caller: 'pipeline',
      actor: LOCAL_ACTOR,
      deadline,
    });
    if (outcome.error !== undefined) throw outcome.error;
    if (!outcome.yielded) return slices;
  }
}
