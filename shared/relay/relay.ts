import { setTimeout as pause } from 'node:timers/promises';
import { reapExecutions } from '../catalog/abandoned-executions.ts';
import { firePipelineAt } from '../catalog/cron-triggers.ts';
import { firePipelines } from '../catalog/pipeline-triggers.ts';
import { readLambdaEnvironment } from '../config.ts';
import { eachAlone } from '../each-alone.ts';
import { toErrorBody } from '../errors.ts';
import { deployedFunctionOf } from '../invoke/deployed-function.ts';
import { UnknownEvent } from '../invoke/errors.ts';
import type { FunctionContext } from '../invoke/function-context.ts';
import type { Handler } from '../invoke/handler.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { awsCaller, type CallAws } from './aws-caller.ts';
import { drainOutbox } from './drain-outbox.ts';
import { RelaySettingMissing } from './errors.ts';
import { type RelayEvent, relayEventOf } from './relay-event.ts';
import { type RunPipelinesOptions, runPipelines } from './run-pipelines.ts';
import { syncSchedules } from './sync-schedules.ts';

/** What the relay needs to end well: the batch under way, and its answer. */
const MARGIN_MS = 5_000;

/** The name of this function beside the others: it begins the pipelines of cron triggers. */
const RELAY = 'relay';

/** Longer than queues, state machines and Lambda wait before they repeat a call by themselves. */
const REAP_GRACE_MS = 20 * 60_000;

/** Where nobody sets a limit. */
const DEFAULT_TIME_MS = 60_000;

/**
 * The handler of the relay, which carries on what the other functions leave in the store: events from the outbox to the bus,
 * runs of pipelines to state machines, and the times of cron triggers to the scheduler. Called every minute, and at once by
 * whoever left something there.
 * @throws UnknownEvent; RelayRefused when AWS takes nothing; RelaySettingMissing
 */
export function createRelay(
  open: () => Promise<Platform>,
  wait: (milliseconds: number) => Promise<unknown> = pause,
): Handler {
  let opening: Promise<Platform> | undefined;
  return async (payload, context = {}) => {
    const event = relayEventOf(payload);
    if (event === undefined) throw new UnknownEvent('no call of the relay, such as {"relay": "kick"}');
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    const platform = await opening;
    const environment = needed(readLambdaEnvironment(), 'AWS_REGION');
    const shift: Shift = {
      platform,
      wait,
      region: environment.region,
      call: awsCaller(environment, () => platform.clock.now()),
      until: endOf(platform, context),
    };
    const { scheduleGroup, pipelines } = platform.config.cloud;
    const answer: JsonObject = {};
    const parts: (() => Promise<unknown>)[] = [];
    if (event.kind === 'minute') parts.push(() => reapRuns(platform));
    if (event.kind === 'time') parts.push(() => firePipelineAt(platform, event.trigger, event.time));
    parts.push(async () => Object.assign(answer, await drain(shift)));
    if (pipelines !== undefined)
      parts.push(async () => Object.assign(answer, { pipelines: await begin(shift, followedBy(event)) }));
    if (event.kind === 'minute' && scheduleGroup !== undefined)
      parts.push(async () => Object.assign(answer, { schedules: await schedule(shift) }));
    // A part that fails, such as the outbox, does not stop the others.
    const failures = await eachAlone(parts, (part) => part());
    if (failures.length > 0) throw failures[0]!.error;
    return answer;
  };
}

/** Its failure stops nothing else of the relay; the next minute tries again. */
async function reapRuns(platform: Platform): Promise<void> {
  try {
    await reapExecutions(platform, { graceMs: REAP_GRACE_MS });
  } catch (error) {
    platform.log.error('abandoned runs cannot be looked for', { reason: toErrorBody(error).message });
  }
}

/** What one call of the relay works with. */
interface Shift {
  platform: Platform;
  wait(milliseconds: number): Promise<unknown>;
  region: string;
  call: CallAws;
  /** When to begin nothing more, ms since 1970. */
  until: number;
}

function endOf({ clock }: Platform, context: FunctionContext): number {
  const remaining = context.getRemainingTimeInMillis?.() ?? DEFAULT_TIME_MS;
  return clock.now() + Math.max(remaining / 2, remaining - MARGIN_MS);
}

function drain({ platform, call, until, wait }: Shift): Promise<JsonObject> {
  const { store, log, config, clock } = platform;
  return drainOutbox({
    store,
    log,
    call,
    before: (events) => firePipelines(platform, events),
    bus: needed(config.cloud.eventBus, 'MODELFN_EVENT_BUS'),
    deadLetters: needed(config.cloud.eventDeadLetters, 'MODELFN_EVENT_DEAD_LETTERS'),
    until,
    now: () => clock.now(),
    pause: wait,
  });
}

function followedBy(event: RelayEvent): RunPipelinesOptions['follows'] {
  if (event.kind === 'ended') return { id: event.execution };
  return event.kind === 'minute' ? 'all' : 'none';
}

function begin(
  { platform, call, region, until }: Shift,
  follows: RunPipelinesOptions['follows'],
): Promise<JsonObject> {
  const { store, log, config, clock } = platform;
  const places = {
    functions: needed(config.cloud.functions, 'MODELFN_FUNCTIONS'),
    machines: needed(config.cloud.pipelines, 'MODELFN_PIPELINES'),
    roleArn: needed(config.cloud.pipelineRole, 'MODELFN_PIPELINE_ROLE'),
  };
  return runPipelines({ store, log, clock, call, region, until, places, follows });
}

function schedule({ platform, call }: Shift): Promise<JsonObject> {
  const { store, log, config, clock } = platform;
  const functions = needed(config.cloud.functions, 'MODELFN_FUNCTIONS');
  const deadLetters = needed(config.cloud.eventDeadLetters, 'MODELFN_EVENT_DEAD_LETTERS');
  return syncSchedules({
    store,
    log,
    call,
    group: needed(config.cloud.scheduleGroup, 'MODELFN_SCHEDULE_GROUP'),
    roleArn: needed(config.cloud.scheduleRole, 'MODELFN_SCHEDULE_ROLE'),
    deadLetterArn: queueArn(deadLetters, functions),
    targetArn: ({ spec: { operation } }) =>
      functions.replace('*', operation.type === 'pipeline' ? RELAY : deployedFunctionOf(operation)),
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
