import { saveFunction } from '../../../../functions/save/save.ts';
import { trainFunction } from '../../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../../shared/auth/actor.ts';
import { readConfig } from '../../../../shared/config.ts';
import { createContainer } from '../../../../shared/invoke/handler.ts';
import type { Invocation } from '../../../../shared/invoke/invocation.ts';
import { invoke } from '../../../../shared/invoke/invoke.ts';
import type { JsonObject } from '../../../../shared/json.ts';
import { openPlatform } from '../../../../shared/open-platform.ts';
import { countingIds, testClock } from '../../../support/test-platform.ts';
import { tinyAdapters } from '../../../support/tiny-adapter.ts';

/**
 * The process that `crash.test.ts` kills: runs one function once, as a container does. Time stands still and ids count
 * up, so that what it leaves depends on nothing but where it was killed.
 */
const [functionName, input] = process.argv.slice(2) as ['save' | 'train', string];

const platform = await openPlatform(readConfig(), {
  clock: testClock(Date.UTC(2026, 10, 1)),
  ids: countingIds(),
});
const container = createContainer(platform, tinyAdapters().builtIns);
const call: Invocation = {
  functionName,
  executionId: 'dying-run',
  input: JSON.parse(input) as JsonObject,
  caller: 'pipeline',
  actor: LOCAL_ACTOR,
};
const outcome =
  functionName === 'save'
    ? await invoke(container, saveFunction, call)
    : await invoke(container, trainFunction, call);
await platform.close();
if (outcome.error) throw outcome.error;
