import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PythonDied } from '../../../adapters/python/errors.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { defineFunction, type FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import type { Invocation } from '../../../shared/invoke/invocation.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import { RevisionMoved } from '../../../shared/snapshots/snapshot-run.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

const DIED = () => new PythonDied('model.py', 'was killed by SIGKILL', '');
const MOVED = () => new RevisionMoved({ id: 's1', name: 'digits' }, 1, 2);

/** A function that throws each of the errors once, in order, and answers afterwards. */
function failing(mode: FunctionSpec['mode'], errors: Error[]) {
  let calls = 0;
  const spec = defineFunction({
    name: 'fragile',
    description: 'fails at first',
    mode,
    inputs: {},
    run: async () => {
      calls += 1;
      const error = errors.shift();
      if (error) throw error;
      return { calls };
    },
  });
  const call = (fields: Partial<Invocation> = {}): Invocation => ({
    functionName: 'fragile',
    input: {},
    caller: 'http',
    actor: LOCAL_ACTOR,
    ...fields,
  });
  return { spec, call, calls: () => calls };
}

describe('a run that ends with a transient fault', () => {
  let space: TinyWorkspace;

  beforeEach(async () => {
    space = await openTinyWorkspace();
  });
  afterEach(() => space.platform.close());

  it.each(['background', 'inPlace'] as const)(
    'is repeated by its holder until it succeeds when the call came over HTTP and is %s',
    async (mode) => {
      const { spec, call } = failing(mode, [DIED(), MOVED()]);

      const { output, execution } = await invoke(space.container, spec, call());

      expect(output).toEqual({ calls: 3 });
      expect(execution).toMatchObject({ attempts: 3, latestStatus: { status: 'success' } });
      expect(await space.platform.store.get('Execution', execution.id)).toMatchObject({ attempts: 3 });
    },
  );

  it.each(['background', 'inPlace'] as const)('fails after three attempts when it is %s', async (mode) => {
    const { spec, call, calls } = failing(mode, [DIED(), DIED(), DIED(), DIED()]);

    const { execution } = await invoke(space.container, spec, call());

    expect(calls()).toBe(3);
    expect(execution).toMatchObject({ attempts: 3, error: { code: 'PythonDied' } });
  });

  it.each<[string, Partial<Invocation>]>([
    ['an event', { caller: 'event' }],
    ['a node of a pipeline', { caller: 'pipeline', pipeline: { id: 'p', nodeId: 'n', executionId: 'x' } }],
  ])('is left to the next delivery when it is called by %s', async (_caller, fields) => {
    const { spec, call, calls } = failing('background', [MOVED()]);
    const delivered = call({ executionId: 'e'.repeat(24), ...fields });

    const first = await invoke(space.container, spec, delivered);
    const second = await invoke(space.container, spec, delivered);

    expect(first.execution).toMatchObject({ attempts: 1, error: { code: 'RevisionMoved' } });
    expect(second.execution).toMatchObject({ attempts: 2, latestStatus: { status: 'success' } });
    expect(calls()).toBe(2);
  });

  it('is not repeated when its error is not transient', async () => {
    const { spec, call, calls } = failing('background', [new TypeError('a fault of the adapter')]);

    const { execution } = await invoke(space.container, spec, call());

    expect(calls()).toBe(1);
    expect(execution).toMatchObject({ attempts: 1, error: { code: 'InternalError' } });
  });
});
