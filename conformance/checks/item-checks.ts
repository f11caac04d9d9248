import type { ModelAdapter } from '../../adapters/model-adapter.ts';
import { isModelfnError, messageOf } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/json.ts';
import { predictItems } from '../../shared/predict/predict-items.ts';
import type { Check } from '../check.ts';
import { differenceOfAnswers, ROUNDING } from '../differences.ts';
import { ENDLESS, type Subject } from '../subject.ts';

/** Faults of a program: their messages tell a user of the adapter nothing. */
const PROGRAM_FAULTS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** What items that are missing or broken may do. */
export const ITEM_CHECKS: readonly Check[] = [
  {
    id: 'unreadableItem',
    name: 'an item that cannot be read fails alone',
    expected:
      'an empty file and one of random bytes to fail, and the items beside them to be predicted as ever',
    advice:
      'Let prepare throw for what it cannot read, change nothing on the instance before that, and make up no sample.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const { testItems, brokenItems } = subject.workbench;
      const adapter = await subject.loaded();
      const before = await subject.predict(adapter, await subject.prepare(adapter));
      const half = Math.ceil(testItems.length / 2);
      const mixed = [...testItems.slice(0, half), ...brokenItems, ...testItems.slice(half)];
      const { results, failed } = await predict(subject, adapter, mixed);
      const brokenIds = new Set(brokenItems.map(({ id }) => id));
      const made = results.find(({ item }) => brokenIds.has(item.id));
      if (made) return `predictions for ${made.item.filename}, which cannot be read`;
      const lost = failed.find(({ item_id }) => !brokenIds.has(item_id));
      if (lost) return `${lost.filename} failed too: ${lost.message}`;
      // Items are prepared several at a time, those that were beside the broken ones maybe ahead of them.
      const later = await predict(subject, adapter, testItems);
      const [also] = later.failed;
      if (also) return `${also.filename} failed too, after them: ${also.message}`;
      const answersOf = (each: typeof results) => each.map(({ predictions }) => predictions);
      return (
        differenceOfAnswers(before, answersOf(results), subject.testNames, ROUNDING) ??
        differenceOfAnswers(before, answersOf(later.results), subject.testNames, ROUNDING)
      );
    },
  },
  {
    id: 'missingClass',
    name: 'trained without a class, it says so or predicts inside the ontology',
    expected: 'a clear error of train, or predictions with labels of the snapshot and a confidence in 0..1',
    advice:
      'Count the samples of each label first: leave a label without any out, or throw an error that names the labels and what to do.',
    needs: 'trains',
    uses: ['predict'],
    trains: true,
    async run(subject) {
      for (const left of [subject.labels.slice(0, -1), subject.labels.slice(0, 1)]) {
        const adapter = subject.create();
        const filter = await itemsOfLabels(subject, left);
        try {
          await subject.train(adapter, { filter });
        } catch (error) {
          if (isClear(error)) continue;
          return `with items of ${left.join(', ')} alone, train threw ${String(error)}`;
        }
        const { testItems, oddItems } = subject.workbench;
        const { failed } = await predict(subject, adapter, [...testItems, ...oddItems]);
        const [first] = failed;
        if (first)
          return `trained with items of ${left.join(', ')} alone, predict failed ${first.filename}: ${first.message}`;
      }
      return undefined;
    },
  },
];

function predict(subject: Subject, adapter: ModelAdapter, items: Parameters<typeof predictItems>[2]) {
  return predictItems(subject.workbench.platform, { adapter }, items, { signal: ENDLESS, minConfidence: 0 });
}

async function itemsOfLabels(subject: Subject, labels: readonly string[]): Promise<JsonObject> {
  const adapter = subject.create();
  const ids: string[] = [];
  for (const partition of ['train', 'validation'] as const)
    for await (const { input, label } of (await subject.partition(adapter, partition)).inputs())
      if (label !== undefined && labels.includes(label)) ids.push(input.item.id);
  return { id: { $in: ids } };
}

function isClear(error: unknown): boolean {
  if (isModelfnError(error)) return true;
  if (PROGRAM_FAULTS.some((fault) => error instanceof fault)) return false;
  return error instanceof Error && messageOf(error).trim() !== '';
}
