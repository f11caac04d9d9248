import * as z from 'zod/mini';
import { executionName, isStarted, startOfMachine } from '../aws/start-machine.ts';
import { listMatches } from '../catalog/all-matches.ts';
import { type Clock, isoTime } from '../clock.ts';
import { eachAlone } from '../each-alone.ts';
import type { PipelineExecution } from '../entities/pipeline.ts';
import { toErrorBody } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { PipelineFailed } from '../pipelines/errors.ts';
import { belongsToCommand } from '../pipelines/runner-lease.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { type CallAws, isOk, jsonCall, refusalOf } from './aws-caller.ts';
import { RelayRefused } from './errors.ts';
import { endedExecution } from './pipeline-end.ts';
import {
  executionArn,
  type MachinePlaces,
  type PipelineMachine,
  pipelineMachine,
} from './pipeline-machine.ts';

export interface RunPipelinesOptions {
  store: EntityStore;
  clock: Clock;
  call: CallAws;
  region: string;
  places: MachinePlaces;
  log: Log;
  /** When to begin nothing more, ms since 1970. */
  until: number;
  /** The runs under way that are to be asked for, a call to AWS each: all, none, or the one of an id. */
  follows: 'all' | 'none' | { id: string };
}

const answerSchema = z.object({
  status: z.string(),
  output: z.nullish(z.string()),
  error: z.nullish(z.string()),
  cause: z.nullish(z.string()),
});

/** What is wrong with the pipeline or its input, for good. */
const REFUSED = /InvalidDefinition|InvalidExecutionInput|ValidationException|InvalidName/;

/**
 * Begins the pipeline executions that were recorded, each as an execution of its pipeline's state machine, which is made when it is first
 * wanted; and, where it is to follow them, records the end of those that are over. An execution is named after its id: begun twice it runs once.
 * An execution that fails does not stop the others; the next call tries it again.
 * @throws the first failure, after the others were served
 */
export async function runPipelines(options: RunPipelinesOptions): Promise<{ begun: number; ended: number }> {
  const done = { begun: 0, ended: 0 };
  const waiting = await listMatches(options.store, 'PipelineExecution', {
    filter: filterOf(options),
    skipsUnreadable: true,
  });
  const failures = await eachAlone(waiting, async (execution) => {
    if (options.clock.now() >= options.until) return;
    if (await belongsToCommand(options, execution)) return;
    const machine = pipelineMachine(execution, options.places);
    const isOver = execution.status === 'inProgress' && (await follow(options, execution, machine));
    if (isOver === undefined || execution.status === 'created') {
      await begin(options, execution, machine);
      done.begun += 1;
    } else if (isOver) done.ended += 1;
  });
  for (const { entry, error } of failures) {
    const { code, message } = toErrorBody(error);
    options.log.error('pipeline cannot be carried on', { execution: entry.id, code, reason: message });
  }
  if (failures.length > 0) throw failures[0]!.error;
  return done;
}

function filterOf({ follows }: RunPipelinesOptions): JsonObject {
  if (follows === 'all') return { status: { $in: ['created', 'inProgress'] } };
  if (follows === 'none') return { status: 'created' };
  return { $or: [{ status: 'created' }, { $and: [{ status: 'inProgress' }, { id: { $eq: follows.id } }] }] };
}

async function begin(
  options: RunPipelinesOptions,
  execution: PipelineExecution,
  machine: PipelineMachine,
): Promise<void> {
  let problem = await start(options, execution, machine);
  if (problem === 'StateMachineDoesNotExist')
    problem = (await create(options, machine)) ?? (await start(options, execution, machine));
  if (problem === undefined)
    return mark(options, execution, (current) => ({ ...current, status: 'inProgress' }));
  const error = toErrorBody(new PipelineFailed(undefined, 'NotBegun', problem));
  options.log.error('pipeline cannot be begun', { execution: execution.id, reason: problem });
  await mark(options, execution, (current) => ({ ...current, status: 'failed', error }));
}

/** Answers why it was not begun, where no repetition helps: refused for good, or a machine that is not there yet. */
async function start(
  { call, region }: RunPipelinesOptions,
  { id, input }: PipelineExecution,
  { arn }: PipelineMachine,
): Promise<string | undefined> {
  const answer = await call('a pipeline', startOfMachine({ region }, arn, executionName(id), input));
  if (isStarted(answer)) return undefined;
  if (answer.text.includes('StateMachineDoesNotExist')) return 'StateMachineDoesNotExist';
  if (REFUSED.test(answer.text)) return refusalOf(answer);
  throw new RelayRefused('a pipeline', refusalOf(answer));
}

/**
 * The same machine made twice is made once.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
 */
async function create(
  { call, places }: RunPipelinesOptions,
  { name, definition }: PipelineMachine,
): Promise<string | undefined> {
  const answer = await call(
    'a state machine',
    jsonCall('states', 'AWSStepFunctions.CreateStateMachine', {
      name,
      definition,
      roleArn: places.roleArn,
      type: 'STANDARD',
    }),
  );
  if (isOk(answer) || answer.text.includes('StateMachineAlreadyExists')) return undefined;
  if (REFUSED.test(answer.text)) return refusalOf(answer);
  throw new RelayRefused('a state machine', refusalOf(answer));
}

/** True when the run is over, and recorded as such; undefined when AWS knows of none: it is begun again, and its nodes go on. */
async function follow(
  options: RunPipelinesOptions,
  execution: PipelineExecution,
  machine: PipelineMachine,
): Promise<boolean | undefined> {
  const arn = executionArn(machine, executionName(execution.id));
  const answer = await options.call(
    'news of a pipeline',
    jsonCall('states', 'AWSStepFunctions.DescribeExecution', { executionArn: arn }),
  );
  if (answer.text.includes('ExecutionDoesNotExist')) return undefined;
  if (!isOk(answer)) throw new RelayRefused('news of a pipeline', refusalOf(answer));
  const { status, output, error, cause } = answerSchema.parse(JSON.parse(answer.text));
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return false;
  const runs = await listMatches(options.store, 'Execution', {
    filter: { 'pipeline.executionId': execution.id },
    scope: { projectIds: [execution.projectId] },
  });
  const end =
    status === 'SUCCEEDED'
      ? { output: JSON.parse(output ?? '{}') as Json }
      : { error: error ?? status, cause: cause ?? `Its state machine ended as ${status}.` };
  await mark(options, execution, (current) => endedExecution(current, runs, end));
  return true;
}

/** Leaves alone what another relay has ended meanwhile. */
async function mark(
  { store, clock }: RunPipelinesOptions,
  { id }: PipelineExecution,
  change: (current: PipelineExecution) => PipelineExecution,
): Promise<void> {
  await store.update('PipelineExecution', id, (current) =>
    current.status === 'created' || current.status === 'inProgress'
      ? { ...change(current), updatedAt: isoTime(clock) }
      : current,
  );
}
