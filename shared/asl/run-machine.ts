import { inParallel } from '../content/in-parallel.ts';
import type { Json, JsonObject } from '../json.ts';
import { matchesError, StateError, toStateError } from './errors.ts';
import { evaluate, type Scope } from './expression.ts';
import type {
  ChoiceState,
  Machine,
  MapState,
  ParallelState,
  State,
  TaskState,
  WaitState,
} from './machine.ts';
import { RetryCounter } from './retry.ts';

/** A task's call. @throws what the task failed with: the error's name is what Retry and Catch match */
export type RunTask = (task: {
  stateName: string;
  resource: string;
  arguments: Json;
  /** The task is to fail with an error named `States.Timeout` when it takes longer; undefined: no limit. */
  timeoutMs: number | undefined;
  retryCount: number;
}) => Promise<Json>;

export interface MachineRun {
  machine: Machine;
  input: Json;
  /** `$states.context.Execution`; the name is at most 80 letters, digits, hyphens and underscores. */
  execution: { id: string; name: string; startTime: string };
  runTask: RunTask;
  /** Waits of Wait and Retry; a test lets time pass at once. */
  wait(milliseconds: number): Promise<void>;
  now(): number;
  random?(): number;
  /** Told of every state that is entered. */
  onState?(stateName: string): void;
  /** Aborted: the run ends before its next state. */
  signal?: AbortSignal;
  /** States entered before the run is given up: a loop that does not end is a fault. */
  maxTransitions?: number;
}

/** How a run ended. */
export type MachineResult =
  | { status: 'SUCCEEDED'; output: Json }
  | { status: 'FAILED'; error: string; cause: string };

/** Step Functions keeps 25,000 events of an execution, some five of them a state. */
const MAX_TRANSITIONS = 5_000;

/** Most bytes of a state's output, as of Step Functions. */
export const MAX_STATE_BYTES = 262_144;

/** Children of a map that run side by side when it sets no limit. */
const MAX_CONCURRENCY = 40;

/**
 * Runs a state machine in this process: the part of the language that `machine.ts` holds, with the same names of errors,
 * the same scopes of variables and the same limit of a state's data as Step Functions. Children of a distributed map run
 * here too, without the variables of their parent, as executions of their own.
 */
export async function runMachine(run: MachineRun): Promise<MachineResult> {
  const steps = { left: run.maxTransitions ?? MAX_TRANSITIONS };
  try {
    return { status: 'SUCCEEDED', output: await new Flow(run, steps, {}).run(run.machine, run.input) };
  } catch (error) {
    const { name, message } = toStateError(error);
    return { status: 'FAILED', error: name, cause: message };
  }
}

type Left = { output: Json; next: string | undefined };

/** One line through a machine: the whole, a branch, or an item of a map. */
class Flow {
  readonly #run: MachineRun;
  readonly #steps: { left: number };
  readonly #map: JsonObject;
  #variables: Readonly<JsonObject>;

  constructor(
    run: MachineRun,
    steps: { left: number },
    variables: Readonly<JsonObject>,
    map: JsonObject = {},
  ) {
    this.#run = run;
    this.#steps = steps;
    this.#variables = variables;
    this.#map = map;
  }

  async run({ StartAt, States }: Machine, input: Json): Promise<Json> {
    let name: string | undefined = StartAt;
    let value = input;
    while (name !== undefined) {
      const state: State | undefined = States[name];
      if (!state) throw fault(`there is no state ${name}`);
      this.#step(name);
      const left: Left = await this.#enter(name, state, value);
      if (Buffer.byteLength(JSON.stringify(left.output)) > MAX_STATE_BYTES)
        throw new StateError(
          'States.DataLimitExceeded',
          `The output of ${name} is larger than ${MAX_STATE_BYTES} bytes`,
          { isFinal: true },
        );
      value = left.output;
      name = left.next;
    }
    return value;
  }

  #step(name: string): void {
    const { signal, onState } = this.#run;
    if (signal?.aborted) throw new StateError('States.Aborted', String(signal.reason), { isFinal: true });
    this.#steps.left -= 1;
    if (this.#steps.left < 0) throw fault('too many states were entered; does a loop end?');
    onState?.(name);
  }

  async #enter(name: string, state: State, input: Json): Promise<Left> {
    const scope = this.#scope(name, input);
    switch (state.Type) {
      case 'Pass':
        return this.#leave(state, scope, input);
      case 'Succeed':
        return { output: await outputOf(state, scope, input), next: undefined };
      case 'Fail':
        throw new StateError(
          String(await evaluate(state.Error ?? 'States.Failed', scope)),
          String(await evaluate(state.Cause ?? '', scope)),
          { isFinal: true },
        );
      case 'Choice':
        return this.#choose(state, scope, input);
      case 'Wait':
        await this.#run.wait(await this.#millisecondsOf(state, scope));
        return this.#leave(state, scope, input);
      default:
        return this.#try(name, state, input);
    }
  }

  async #choose({ Choices, Default, ...own }: ChoiceState, scope: Scope, input: Json): Promise<Left> {
    for (const { Condition, ...choice } of Choices) {
      const chosen = await evaluate(Condition, scope);
      if (typeof chosen !== 'boolean')
        throw new StateError(
          'States.QueryEvaluationError',
          `${Condition} is no condition: ${JSON.stringify(chosen)}`,
        );
      if (chosen) return this.#leave(choice, scope, input);
    }
    if (Default === undefined)
      throw new StateError('States.NoChoiceMatched', 'no condition holds, and there is no default');
    return this.#leave({ ...own, Next: Default }, scope, input);
  }

  async #millisecondsOf({ Seconds, Timestamp }: WaitState, scope: Scope): Promise<number> {
    if (Seconds !== undefined) return 1000 * Number(await evaluate(Seconds, scope));
    return Math.max(0, Date.parse(String(await evaluate(Timestamp ?? '', scope))) - this.#run.now());
  }

  /** A state that may fail: tried again as its retriers say, then handed to a catcher. */
  async #try(name: string, state: TaskState | MapState | ParallelState, input: Json): Promise<Left> {
    const retries = new RetryCounter(state.Retry ?? [], this.#run.random ?? Math.random);
    for (;;) {
      const scope = this.#scope(name, input, retries.total);
      try {
        const result = await this.#perform(name, state, scope, retries.total);
        return await this.#leave(state, widened(scope, { result }), result);
      } catch (thrown) {
        const error = toStateError(thrown);
        const delay = retries.delayAfter(error);
        if (delay !== undefined) {
          await this.#run.wait(delay);
          continue;
        }
        const catcher = state.Catch?.find(({ ErrorEquals }) => matchesError(ErrorEquals, error));
        if (!catcher) throw error;
        const errorOutput = error.toOutput();
        return this.#leave(catcher, widened(scope, { errorOutput }), errorOutput);
      }
    }
  }

  #perform(
    name: string,
    state: TaskState | MapState | ParallelState,
    scope: Scope,
    retryCount: number,
  ): Promise<Json> {
    if (state.Type === 'Task') return this.#task(name, state, scope, retryCount);
    return state.Type === 'Map' ? this.#mapItems(state, scope) : this.#parallel(state, scope);
  }

  async #task(
    stateName: string,
    { Resource, Arguments, TimeoutSeconds }: TaskState,
    scope: Scope,
    retryCount: number,
  ): Promise<Json> {
    return this.#run.runTask({
      stateName,
      resource: Resource,
      arguments: await evaluate(Arguments ?? scope.states.input!, scope),
      timeoutMs: TimeoutSeconds === undefined ? undefined : TimeoutSeconds * 1000,
      retryCount,
    });
  }

  async #parallel({ Branches, Arguments }: ParallelState, scope: Scope): Promise<Json> {
    const input = await evaluate(Arguments ?? scope.states.input!, scope);
    return Promise.all(
      Branches.map((branch) =>
        new Flow(this.#run, this.#steps, this.#variables, this.#map).run(branch, input),
      ),
    );
  }

  async #mapItems(state: MapState, scope: Scope): Promise<Json> {
    const { ItemProcessor, MaxConcurrency = 0 } = state;
    const isDistributed = ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED';
    const inputs = await this.#mapInputs(state, scope);
    const results = new Map<number, Json>();
    const failures: StateError[] = [];
    const tolerated = isDistributed ? toleratedFailures(state, inputs.length) : 0;
    await inParallel(
      [...inputs.entries()],
      MaxConcurrency || MAX_CONCURRENCY,
      async ([index, { input, item }]) => {
        if (failures.length > tolerated) return;
        const map = item === undefined ? {} : { Item: { Index: index, Value: item } };
        const variables = isDistributed ? {} : this.#variables;
        try {
          results.set(
            index,
            await new Flow(this.#run, this.#steps, variables, map).run(ItemProcessor, input),
          );
        } catch (error) {
          failures.push(toStateError(error));
        }
      },
    );
    if (failures.length > tolerated) {
      const [first] = failures as [StateError, ...StateError[]];
      if (!isDistributed || first.name === 'States.Aborted') throw first;
      throw new StateError(
        'States.ExceedToleratedFailureThreshold',
        `${failures.length} of ${inputs.length} failed, the first by ${first.name}: ${first.message}`,
      );
    }
    return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
  }

  /** What each child gets: an item, or a batch of them. */
  async #mapInputs(
    { Items, ItemSelector, ItemBatcher }: MapState,
    scope: Scope,
  ): Promise<{ input: Json; item: Json | undefined }[]> {
    const items = await evaluate(Items ?? scope.states.input!, scope);
    if (!Array.isArray(items))
      throw new StateError('States.QueryEvaluationError', `Items is no list: ${JSON.stringify(items)}`);
    const selected = await Promise.all(
      items.map(async (item, Index) => {
        if (ItemSelector === undefined) return { input: item, item };
        const context = { ...(scope.states.context as JsonObject), Map: { Item: { Index, Value: item } } };
        return { input: await evaluate(ItemSelector, widened(scope, { context })), item };
      }),
    );
    if (!ItemBatcher) return selected;
    const { MaxItemsPerBatch, BatchInput } = ItemBatcher;
    const shared = BatchInput === undefined ? {} : { BatchInput: await evaluate(BatchInput, scope) };
    return Array.from({ length: Math.ceil(selected.length / MaxItemsPerBatch) }, (_none, batch) => {
      const own = selected.slice(batch * MaxItemsPerBatch, (batch + 1) * MaxItemsPerBatch);
      return { input: { ...shared, Items: own.map(({ input }) => input) }, item: undefined };
    });
  }

  /** Output and variables see the values the state was entered with; the new ones count from the next state on. */
  async #leave(
    state: { Output?: Json; Assign?: JsonObject; Next?: string },
    scope: Scope,
    otherwise: Json,
  ): Promise<Left> {
    const output = await outputOf(state, scope, otherwise);
    if (state.Assign) {
      const assigned = (await evaluate(state.Assign, scope)) as JsonObject;
      this.#variables = { ...this.#variables, ...assigned };
    }
    return { output, next: state.Next };
  }

  #scope(stateName: string, input: Json, retryCount = 0): Scope {
    const { execution, input: given } = this.#run;
    const context = {
      Execution: { Id: execution.id, Name: execution.name, StartTime: execution.startTime, Input: given },
      State: { Name: stateName, RetryCount: retryCount },
      ...(this.#map.Item !== undefined && { Map: this.#map }),
    };
    return { states: { input, context }, variables: this.#variables };
  }
}

function widened({ states, variables }: Scope, more: JsonObject): Scope {
  return { states: { ...states, ...more }, variables };
}

function outputOf({ Output }: { Output?: Json }, scope: Scope, otherwise: Json): Promise<Json> | Json {
  return Output === undefined ? otherwise : evaluate(Output, scope);
}

function toleratedFailures(
  { ToleratedFailureCount, ToleratedFailurePercentage }: MapState,
  count: number,
): number {
  if (ToleratedFailureCount === undefined && ToleratedFailurePercentage === undefined) return 0;
  return Math.min(
    ToleratedFailureCount ?? count,
    Math.floor(((ToleratedFailurePercentage ?? 100) / 100) * count),
  );
}

function fault(cause: string): StateError {
  return new StateError('States.Runtime', cause, { isFinal: true });
}
