import { setTimeout as pause } from 'node:timers/promises';
import { readLambdaEnvironment } from '../config.ts';
import { UnknownEvent } from '../invoke/errors.ts';
import type { FunctionContext } from '../invoke/function-context.ts';
import type { Handler } from '../invoke/handler.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { awsCaller, type CallAws } from './aws-caller.ts';
import { drainOutbox } from './drain-outbox.ts';
import { RelaySettingMissing } from './errors.ts';
import { relayEventOf } from './relay-event.ts';

/** What the relay needs to end well: the batch under way, and its answer. */
const MARGIN_MS = 5_000;

/** Where nobody sets a limit. */
const DEFAULT_TIME_MS = 60_000;

/**
 * The handler of the relay, which carries on what the other functions leave in the store: from the outbox to the bus. Called every
 * minute, and at once by whoever left something there.
 * @throws UnknownEvent; RelayRefused when AWS takes nothing; RelaySettingMissing
 */
export function createRelay(open: () => Promise<Platform>): Handler {
  let opening: Promise<Platform> | undefined;
  return async (payload, context = {}) => {
    const event = relayEventOf(payload);
    if (event === undefined) throw new UnknownEvent('no call of the relay, such as {"relay": "kick"}');
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    const platform = await opening;
    const call = awsCaller(needed(readLambdaEnvironment(), 'AWS_REGION'), () => platform.clock.now());
    return drain(platform, call, context);
  };
}

async function drain(platform: Platform, call: CallAws, context: FunctionContext): Promise<JsonObject> {
  const { store, log, config, clock } = platform;
  const remaining = context.getRemainingTimeInMillis?.() ?? DEFAULT_TIME_MS;
  return drainOutbox({
    store,
    log,
    call,
    bus: needed(config.cloud.eventBus, 'MODELFN_EVENT_BUS'),
    deadLetters: needed(config.cloud.eventDeadLetters, 'MODELFN_EVENT_DEAD_LETTERS'),
    until: clock.now() + Math.max(remaining / 2, remaining - MARGIN_MS),
    now: () => clock.now(),
    pause: (milliseconds) => pause(milliseconds),
  });
}

/** @throws RelaySettingMissing */
function needed<T>(value: T | undefined, setting: string): T {
  if (value === undefined) throw new RelaySettingMissing(setting);
  return value;
}
