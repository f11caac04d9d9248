import { saveFunction } from '../../../../functions/save/save.ts';
import { trainFunction } from '../../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../../shared/auth/actor.ts';
import { readConfig } from '../../../../shared/config.ts';
import { collectGarbage } from '../../../../shared/gc/collect-garbage.ts';
import { createContainer } from '../../../../shared/invoke/handler.ts';
import type { Invocation } from '../../../../shared/invoke/invocation.ts';
import { invoke } from '../../../../shared/invoke/invoke.ts';
import type { JsonObject } from '../../../../shared/json.ts';
import { openPlatform } from '../../../../shared/open-platform.ts';
import { countingIds, testClock } from '../../../support/test-platform.ts';
import { tinyAdapters } from '../../../support/tiny-adapter.ts';
import { DYING_RUN } from './dying-run.ts';
import { type Pace, trainToEnd } from './slices.ts';

/**
 * The process that `crash.slow.test.ts` kills: runs one function once, as a container does, a training slice by slice, or gc. Time stands still and ids
 * count up, so that what it leaves depends on nothing but where it was killed.
 */
const [work, input, now] = process.argv.slice(2) as ['save' | 'train' | 'gc' | 'slices', string, string];

const overrides = { clock: testClock(Number(now)), ids: countingIds() };
const platform = await openPlatform(readConfig(), overrides);
if (work === 'gc') await collectGarbage(platform, { free: true });
else if (work === 'slices') await trainInSlices();
else await runFunction(work);
await platform.close();

async function trainInSlices(): Promise<void> {
  const { pace, ...inputs } = JSON.parse(input) as JsonObject & { pace: Pace };
  await trainToEnd(platform, inputs, pace);
}

async function runFunction(functionName: 'save' | 'train'): Promise<void> {
  const container = createContainer(platform, tinyAdapters().builtIns);
  const call: Invocation = {
    functionName,
    executionId: DYING_RUN,
    input: JSON.parse(input) as JsonObject,
    caller: 'pipeline',
    actor: LOCAL_ACTOR,
  };
  const { error } =
    functionName === 'save'
      ? await invoke(container, saveFunction, call)
      : await invoke(container, trainFunction, call);
  if (error) throw error;
}
