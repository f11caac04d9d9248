import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { predictFunction } from '../../functions/predict/predict.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { digestOf } from '../../shared/annotations/predictions.ts';
import { predictionsOf } from '../../shared/annotations/write-predictions.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import type { FunctionSpec, InputSpecs } from '../../shared/invoke/function-spec.ts';
import type { Outcome } from '../../shared/invoke/invocation.ts';
import { invoke } from '../../shared/invoke/invoke.ts';
import type { Container } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Check, Finding } from '../check.ts';
import type { Subject } from '../subject.ts';

/** What the real functions make of the adapter, on a store and a bucket of their own. */
export const FUNCTION_CHECKS: readonly Check[] = [
  {
    id: 'duplicateCall',
    name: 'a call that is delivered twice changes nothing the second time',
    expected: 'the first answer again, and one set of annotations whoever predicts again',
    advice:
      'Let predictions depend on the bytes of the item and the weights alone: not on its annotations, times, or the process.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const container = subject.workbench.openContainer();
      return (await fillTwice(subject, container)) ?? predictTwice(subject, container);
    },
  },
];

async function fillTwice(subject: Subject, container: Container): Promise<Finding> {
  const { snapshot } = subject.workbench;
  const call = { snapshot: snapshot.id };
  if (!subject.offers('load')) return undefined;
  if (!subject.hasGivenWeights && !subject.offers('save')) return { skipped: 'it has load and no save' };
  const found = subject.hasGivenWeights
    ? await twice(container, saveFunction, { ...call, directory: await subject.weights() })
    : await twice(container, trainFunction, { ...call, seed: subject.seed });
  if (found !== undefined) return found;
  const revision = (await container.platform.store.get('Snapshot', snapshot.id))?.revision;
  return revision === 1 ? undefined : `the snapshot is at revision ${revision} after one run`;
}

async function predictTwice(subject: Subject, container: Container): Promise<string | undefined> {
  const { workbench } = subject;
  const { store } = workbench.platform;
  const ids = workbench.testItems.map(({ id }) => id);
  const call = { snapshot: workbench.snapshot.id, items: ids };
  const standing = async () => [...(await predictionsOf(store, workbench.snapshot.id, ids)).values()];
  const found = await twice(container, predictFunction, call);
  if (found !== undefined) return found;
  const first = await standing();
  // A process that has loaded nothing yet, as when the call goes to another container.
  outputOf(await run(workbench.openContainer(), predictFunction, call, randomUUID()));
  const second = await standing();
  if (first.length !== second.length)
    return `${first.length} annotations, and ${second.length} after predicting the same items again`;
  return digestOf(first) === digestOf(second)
    ? undefined
    : 'other annotations after predicting the same items again from a new process';
}

/** Calls twice with one execution id. */
async function twice<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  input: JsonObject,
): Promise<string | undefined> {
  const executionId = randomUUID();
  const first = outputOf(await run(container, spec, input, executionId));
  const again = await run(container, spec, input, executionId);
  if (!again.replayed) return `${spec.name} ran again for an execution that had ended`;
  return isDeepStrictEqual(outputOf(again), first)
    ? undefined
    : `another answer of ${spec.name} when it was replayed`;
}

function run<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  input: JsonObject,
  executionId: string,
): Promise<Outcome> {
  return invoke(container, spec, {
    functionName: spec.name,
    executionId,
    input,
    caller: 'cli',
    actor: LOCAL_ACTOR,
  });
}

function outputOf(outcome: Outcome): JsonObject {
  if (outcome.output === undefined) throw outcome.error;
  return outcome.output;
}
