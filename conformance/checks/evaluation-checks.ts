import type { Evaluation, EvaluationPair } from '../../adapters/model-adapter.ts';
import { DEFAULT_JUDGEMENT } from '../../shared/metrics/evaluate-pairs.ts';
import type { Check } from '../check.ts';
import type { Subject } from '../subject.ts';

/** What an evaluation keeps to. */
export const EVALUATION_CHECKS: readonly Check[] = [
  {
    id: 'evaluates',
    name: 'its evaluation is of finite numbers and labels of the ontology',
    expected:
      'one metric or more, every number finite, and numbers by label for labels of the snapshot alone',
    advice:
      'Leave a number out where there is nothing to divide by: a label without items, an item without predictions.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const adapter = await subject.loaded();
      // With nothing predicted as well: it is what an evaluation of other items may come to.
      for (const pairs of [pairsOf(subject), withoutPredictions(pairsOf(subject))]) {
        const found = problemOf(await adapter.evaluate(pairs, DEFAULT_JUDGEMENT), subject.labels);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  },
];

async function* pairsOf(subject: Subject): AsyncGenerator<EvaluationPair> {
  const adapter = await subject.loaded();
  for await (const { input, annotations, label } of (await subject.partition(adapter, 'test')).inputs()) {
    const [predictions] = await subject.predict(adapter, [await adapter.prepare(input)]);
    yield { item: input.item, groundTruth: annotations, label, predictions: predictions! };
  }
}

async function* withoutPredictions(pairs: AsyncIterable<EvaluationPair>): AsyncGenerator<EvaluationPair> {
  for await (const pair of pairs) yield { ...pair, predictions: [] };
}

function problemOf({ metrics, perLabel }: Evaluation, labels: readonly string[]): string | undefined {
  if (Object.keys(metrics).length === 0) return 'no metric at all';
  const wrong = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (wrong) return `${wrong[0]} is ${wrong[1]}`;
  for (const [label, numbers] of Object.entries(perLabel)) {
    if (!labels.includes(label)) return `numbers for ${JSON.stringify(label)}, which is none of its labels`;
    const [name, value] = Object.entries(numbers).find(([, each]) => !Number.isFinite(each)) ?? [];
    if (name !== undefined) return `${name} of ${label} is ${value}`;
  }
  return undefined;
}
