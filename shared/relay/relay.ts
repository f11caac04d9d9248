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
import { syncSchedules } from './sync-schedules.ts';

/** What the relay needs to end well: the batch under way, and its answer. */
const MARGIN_MS = 5_000;

/** Where nobody sets a limit. */
const DEFAULT_TIME_MS = 60_000;

/**
 * The handler of the relay, which carries on what the other functions leave in the store: events from the outbox to the bus, and
 * the times of cron triggers to the scheduler. Called every minute, and at once by whoever left events.
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
    const drained = await drain(platform, call, context);
    if (event.kind === 'kick' || platform.config.cloud.scheduleGroup === undefined) return drained;
    return { ...drained, schedules: await schedule(platform, call) };
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

function schedule({ store, log, config, clock }: Platform, call: CallAws): Promise<JsonObject> {
  const functions = needed(config.cloud.functions, 'MODELFN_FUNCTIONS');
  const deadLetters = needed(config.cloud.eventDeadLetters, 'MODELFN_EVENT_DEAD_LETTERS');
  return syncSchedules({
    store,
    log,
    call,
    group: needed(config.cloud.scheduleGroup, 'MODELFN_SCHEDULE_GROUP'),
    roleArn: needed(config.cloud.scheduleRole, 'MODELFN_SCHEDULE_ROLE'),
    deadLetterArn: queueArn(deadLetters, functions),
    targetArn: ({ spec }) => functions.replace('*', spec.operation.functionName),
    now: () => clock.now(),
  });
}

/** The ARN of a queue beside the functions, from its address `https://<host>/<account>/<name>`. */
function queueArn(address: string, functions: string): string {
  const [, partition, , region, account] = functions.split(':');
  return `arn:${partition}:sqs:${region}:${account}:${new URL(address).pathname.split('/').at(-1)}`;
}

/** @throws RelaySettingMissing */
function needed<T>(value: T | undefined, setting: string): T {
  if (value === undefined) throw new RelaySettingMissing(setting);
  return value;
}
