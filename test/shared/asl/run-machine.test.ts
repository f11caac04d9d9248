import { describe, expect, it } from 'vitest';
import type { Machine, State } from '../../../shared/asl/machine.ts';
import { failureNamed, runWatched } from './run.ts';

const only = (state: State): Machine => ({ QueryLanguage: 'JSONata', StartAt: 'A', States: { A: state } });
const task = (more: object): State => ({ Type: 'Task', Resource: 'r', End: true, ...more }) as State;

describe('a state machine run here', () => {
  it('hands each output to the next state, and works expressions out wherever they stand', async () => {
    const machine: Machine = {
      StartAt: 'A',
      States: {
        A: {
          Type: 'Pass',
          Output: { sum: '{% $states.input.x + 1 %}', text: 'plain', list: ['{% 2 * 3 %}'] },
          Next: 'B',
        },
        B: { Type: 'Pass', End: true },
      },
    };

    const { result, states } = await runWatched(machine, { x: 1 });

    expect(result).toEqual({ status: 'SUCCEEDED', output: { sum: 2, text: 'plain', list: [6] } });
    expect(states).toEqual(['A', 'B']);
  });

  it('assigns variables that count from the next state on, the output still sees the old ones', async () => {
    const machine: Machine = {
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { n: 1 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { n: '{% $n + 1 %}' }, Output: '{% $n %}', Next: 'C' },
        C: { Type: 'Pass', Output: { before: '{% $states.input %}', now: '{% $n %}' }, End: true },
      },
    };

    expect((await runWatched(machine, null)).result).toMatchObject({ output: { before: 1, now: 2 } });
  });

  it('gives a task its arguments, and its result to the output', async () => {
    const state = task({
      Arguments: { twice: '{% $states.input.x * 2 %}' },
      Output: '{% {"was": $states.input.x, "is": $states.result} %}',
    });

    const { result } = await runWatched(only(state), { x: 4 }, { A: (given) => given });

    expect(result).toMatchObject({ output: { was: 4, is: { twice: 8 } } });
  });

  it('takes the first choice that holds, else the default, else fails', async () => {
    const choice = (more: object): Machine => ({
      StartAt: 'C',
      States: {
        C: {
          Type: 'Choice',
          Choices: [
            { Condition: '{% $states.input > 10 %}', Next: 'Large' },
            { Condition: '{% $states.input > 5 %}', Next: 'Middle', Assign: { seen: '{% $states.input %}' } },
          ],
          ...more,
        },
        Large: { Type: 'Succeed', Output: 'large' },
        Middle: { Type: 'Succeed', Output: '{% $seen %}' },
        Small: { Type: 'Succeed', Output: 'small' },
      },
    });

    const outputs = [11, 7, 1].map(async (x) => (await runWatched(choice({ Default: 'Small' }), x)).result);

    expect(await Promise.all(outputs)).toMatchObject([
      { output: 'large' },
      { output: 7 },
      { output: 'small' },
    ]);
    expect((await runWatched(choice({}), 1)).result).toMatchObject({ error: 'States.NoChoiceMatched' });
  });

  it('repeats a task by the first retrier that matches, each with a count of its own', async () => {
    const errors = ['Busy', 'Busy', 'Gone', 'Busy'];
    const state = task({
      Retry: [
        { ErrorEquals: ['Busy'], IntervalSeconds: 2, MaxAttempts: 3, BackoffRate: 3, MaxDelaySeconds: 10 },
        { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, JitterStrategy: 'FULL' },
      ],
    });
    const seen: number[] = [];

    const { result, waits } = await runWatched(
      only(state),
      {},
      {
        A: (_given, retryCount) => {
          seen.push(retryCount);
          const name = errors.shift();
          if (name) throw failureNamed(name);
          return 'done';
        },
      },
    );

    expect(result).toEqual({ status: 'SUCCEEDED', output: 'done' });
    expect(waits).toEqual([2_000, 6_000, 500, 10_000]);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives up after the attempts of a retrier, and a catcher goes on with the error', async () => {
    const machine: Machine = {
      StartAt: 'A',
      States: {
        A: {
          Type: 'Task',
          Resource: 'r',
          Retry: [{ ErrorEquals: ['Busy'], MaxAttempts: 2 }],
          Catch: [
            { ErrorEquals: ['Other'], Next: 'Never' },
            { ErrorEquals: ['Busy'], Assign: { why: '{% $states.errorOutput.Error %}' }, Next: 'After' },
          ],
          Next: 'Never',
        },
        After: { Type: 'Pass', Output: { why: '{% $why %}', error: '{% $states.input %}' }, End: true },
        Never: { Type: 'Fail' },
      },
    };
    let calls = 0;

    const { result } = await runWatched(
      machine,
      {},
      {
        A: () => {
          calls += 1;
          throw failureNamed('Busy', 'too much');
        },
      },
    );

    expect(calls).toBe(3);
    expect(result).toMatchObject({ output: { why: 'Busy', error: { Error: 'Busy', Cause: 'too much' } } });
  });

  it.each([
    ['States.TaskFailed', 'Busy', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.ALL', 'States.Timeout', true],
    ['Busy', 'Busier', false],
  ])('%s catches %s: %s', async (pattern, name, caught) => {
    const state = task({ Catch: [{ ErrorEquals: [pattern], Next: 'B' }] });
    const machine: Machine = { StartAt: 'A', States: { A: state, B: { Type: 'Succeed', Output: 'caught' } } };

    const { result } = await runWatched(
      machine,
      {},
      {
        A: () => {
          throw failureNamed(name);
        },
      },
    );

    expect(result.status).toBe(caught ? 'SUCCEEDED' : 'FAILED');
  });

  it('fails under the name of a Fail state, which may be an expression', async () => {
    const machine = only({ Type: 'Fail', Error: '{% $states.input.name %}', Cause: 'because' });

    expect((await runWatched(machine, { name: 'Mine' })).result).toEqual({
      status: 'FAILED',
      error: 'Mine',
      cause: 'because',
    });
  });

  it('waits for seconds or until a time', async () => {
    const machine: Machine = {
      StartAt: 'A',
      States: {
        A: { Type: 'Wait', Seconds: '{% $states.input %}', Next: 'B' },
        B: { Type: 'Wait', Timestamp: '2026-01-31T12:01:00Z', End: true },
      },
    };

    expect((await runWatched(machine, 5)).waits).toEqual([5_000, 60_000]);
  });

  it('runs branches side by side and answers their outputs in order', async () => {
    const machine = only({
      Type: 'Parallel',
      Arguments: '{% $states.input.x %}',
      Branches: [
        only({ Type: 'Pass', Output: '{% $states.input + 1 %}', End: true }),
        only({ Type: 'Pass', Output: '{% $states.input + 2 %}', End: true }),
      ],
      End: true,
    });

    expect((await runWatched(machine, { x: 1 })).result).toMatchObject({ output: [2, 3] });
  });
});

describe('a map', () => {
  const doubling = (more: object, child: object = {}): Machine => ({
    StartAt: 'V',
    States: {
      V: { Type: 'Pass', Assign: { factor: 2 }, Next: 'M' },
      M: {
        Type: 'Map',
        ItemProcessor: {
          StartAt: 'T',
          States: { T: { Type: 'Task', Resource: 'r', End: true, ...child } },
        },
        End: true,
        ...more,
      } as State,
    },
  });

  it('keeps the order of its items whatever the order of their ends, and its children see variables and index', async () => {
    const machine = doubling(
      { Items: '{% $states.input.list %}', MaxConcurrency: 2 },
      { Arguments: '{% {"i": $states.context.Map.Item.Index, "x": $states.input * $factor} %}' },
    );
    const held: (() => void)[] = [];

    const { result } = await runWatched(
      machine,
      { list: [1, 2, 3] },
      {
        T: async (given) => {
          const { i } = given as { i: number };
          if (i === 0) await new Promise<void>((resolve) => held.push(resolve));
          if (i === 2) held[0]!();
          return given;
        },
      },
    );

    expect(result).toMatchObject({
      output: [
        { i: 0, x: 2 },
        { i: 1, x: 4 },
        { i: 2, x: 6 },
      ],
    });
  });

  it('cuts items into batches with an input of their own', async () => {
    const machine = doubling({
      Items: '{% [1..5] %}',
      ItemSelector: { n: '{% $states.context.Map.Item.Value %}' },
      ItemBatcher: { MaxItemsPerBatch: 2, BatchInput: { factor: '{% $factor %}' } },
    });

    const { result } = await runWatched(machine, {}, { T: (given) => given });

    expect(result).toMatchObject({
      output: [
        { BatchInput: { factor: 2 }, Items: [{ n: 1 }, { n: 2 }] },
        { BatchInput: { factor: 2 }, Items: [{ n: 3 }, { n: 4 }] },
        { BatchInput: { factor: 2 }, Items: [{ n: 5 }] },
      ],
    });
  });

  it('has no variables of its parent when it is distributed', async () => {
    const machine = doubling({ Items: [1] }, { Arguments: '{% $factor %}' });
    (machine.States.M as { ItemProcessor: object }).ItemProcessor = {
      ...(machine.States.M as { ItemProcessor: object }).ItemProcessor,
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    };

    expect((await runWatched(machine, {}, { T: () => 1 })).result).toMatchObject({
      error: 'States.ExceedToleratedFailureThreshold',
      cause: expect.stringContaining('States.QueryEvaluationError'),
    });
  });

  it.each([
    [25, 1, 'SUCCEEDED'],
    [24, 1, 'FAILED'],
    [100, 4, 'SUCCEEDED'],
    [0, 0, 'SUCCEEDED'],
  ])(
    'distributed, tolerating %d %% of four children, ends with %d failures as %s',
    async (percent, failing, status) => {
      const machine: Machine = {
        StartAt: 'M',
        States: {
          M: {
            Type: 'Map',
            Items: [1, 2, 3, 4],
            ToleratedFailurePercentage: percent,
            ItemProcessor: {
              ProcessorConfig: { Mode: 'DISTRIBUTED' },
              StartAt: 'T',
              States: { T: { Type: 'Task', Resource: 'r', End: true } },
            },
            End: true,
          },
        },
      };

      const { result } = await runWatched(
        machine,
        {},
        {
          T: (given) => {
            if (Number(given) <= failing) throw failureNamed('Busy');
            return given;
          },
        },
      );

      expect(result.status).toBe(status);
      if (result.status === 'SUCCEEDED') expect(result.output).toEqual([1, 2, 3, 4].slice(failing));
      else expect(result.error).toBe('States.ExceedToleratedFailureThreshold');
    },
  );

  it('fails with the first item that fails when it is inline', async () => {
    const machine = doubling({ Items: [1, 2] });

    const { result } = await runWatched(
      machine,
      {},
      {
        T: () => {
          throw failureNamed('Busy');
        },
      },
    );

    expect(result).toMatchObject({ status: 'FAILED', error: 'Busy' });
  });
});

describe('the limits of a state machine', () => {
  it('a loop that does not end is given up', async () => {
    const machine = only({ Type: 'Pass', Next: 'A' } as State);

    expect((await runWatched(machine, {}, {}, { maxTransitions: 50 })).result).toMatchObject({
      error: 'States.Runtime',
      cause: expect.stringContaining('too many states'),
    });
  });

  it('an output of more than 256 KiB fails, and no States.ALL catches it', async () => {
    const state = task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] });
    const machine: Machine = { StartAt: 'A', States: { A: state, B: { Type: 'Succeed' } } };

    const { result } = await runWatched(machine, {}, { A: () => 'x'.repeat(262_143) });

    expect(result).toMatchObject({ error: 'States.DataLimitExceeded' });
  });

  it.each([
    ['{% $states.input.none %}', 'no result'],
    ['{% $nothing() %}', 'function'],
    ['{% 1 + %}', ''],
    ["{% $eval('1') %}", '$eval'],
    ["{% 1 + 'a' %}", 'right side'],
  ])('%s is an error of its own', async (Output, said) => {
    expect((await runWatched(only({ Type: 'Pass', Output, End: true }), {})).result).toMatchObject({
      error: 'States.QueryEvaluationError',
      cause: expect.stringContaining(said),
    });
  });

  it('a stop ends the run before its next state', async () => {
    const stop = new AbortController();
    const machine: Machine = {
      StartAt: 'A',
      States: { A: { ...task({ Next: 'B' }), End: undefined } as unknown as State, B: { Type: 'Succeed' } },
    };

    const { result, states } = await runWatched(
      machine,
      {},
      {
        A: () => {
          stop.abort('enough');
          return 1;
        },
      },
      { signal: stop.signal },
    );

    expect(result).toMatchObject({ status: 'FAILED', error: 'States.Aborted' });
    expect(states).toEqual(['A']);
  });
});
