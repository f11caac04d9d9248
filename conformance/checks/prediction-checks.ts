import { predictItems } from '../../shared/predict/predict-items.ts';
import type { Check } from '../check.ts';
import { type Answers, differenceOfAnswers, ROUNDING } from '../differences.ts';
import { differenceOfStates, setWritable, touchedOf } from '../folder-state.ts';
import { ENDLESS } from '../subject.ts';

/** What predicting keeps to. Each check has an instance of its own. */
export const PREDICTION_CHECKS: readonly Check[] = [
  {
    id: 'roundTrip',
    name: 'saved and loaded by a new instance, it predicts the same, bit for bit',
    expected: 'equal predictions before and after',
    advice: 'Save all of the state that predict and prepare read, numbers in full.',
    needs: 'loads',
    uses: ['save', 'load', 'predict'],
    async run(subject) {
      const before = await subject.ready();
      const first = await subject.predict(before, await subject.prepare(before));
      const after = subject.create();
      await after.load(await subject.save(before));
      const second = await subject.predict(after, await subject.prepare(after));
      return differenceOfAnswers(first, second, subject.testNames);
    },
  },
  {
    id: 'validPredictions',
    name: 'labels of predictions stay inside the ontology, and confidence in 0..1',
    expected: 'for each sample a list of predictions with labels of the snapshot and a confidence in 0..1',
    advice: 'Take labels from `this.labels` alone, and see to items that look like nothing the model knows.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const { platform, testItems, oddItems } = subject.workbench;
      const options = { signal: ENDLESS, minConfidence: 0 };
      await predictItems(platform, { adapter: await subject.loaded() }, [...testItems, ...oddItems], options);
      return undefined;
    },
  },
  {
    id: 'batches',
    name: 'a batch gives what its samples give one by one, in any order',
    expected: 'equal predictions (numbers within 1e-6)',
    advice:
      'Let nothing of a sample depend on the others of its batch; with an engine that cannot, set maxBatchSize to 1.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const adapter = await subject.loaded();
      const samples = await subject.prepare(adapter);
      const single = await subject.predict(adapter, samples, { size: 1 });
      const together = await subject.predict(adapter, samples);
      const backward = (await subject.predict(adapter, samples.toReversed())).reverse();
      return (
        differenceOfAnswers(single, together, subject.testNames, ROUNDING) ??
        differenceOfAnswers(single, backward, subject.testNames, ROUNDING)
      );
    },
  },
  {
    id: 'predictTwice',
    name: 'the same call twice predicts the same',
    expected: 'equal predictions',
    advice: 'predict and prepare change nothing: no counters, no running means, no writing into the samples.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const adapter = await subject.loaded();
      const samples = await subject.prepare(adapter);
      const first = await subject.predict(adapter, samples);
      const second = await subject.predict(adapter, samples);
      return differenceOfAnswers(first, second, subject.testNames);
    },
  },
  {
    id: 'predictAtOnce',
    name: 'calls at the same time predict what they do alone',
    expected: 'equal predictions (numbers within 1e-6)',
    advice: 'Keep what belongs to one call in local variables, not on the instance.',
    needs: 'loads',
    uses: ['predict'],
    async run(subject) {
      const { testItems } = subject.workbench;
      const adapter = await subject.loaded();
      const call = async (item: (typeof testItems)[number]): Promise<Answers> =>
        subject.predict(adapter, await subject.prepare(adapter, [item]));
      const alone: Answers[] = [];
      for (const item of testItems) alone.push(await call(item));
      const atOnce = await Promise.all(testItems.map(call));
      return differenceOfAnswers(alone.flat(), atOnce.flat(), subject.testNames, ROUNDING);
    },
  },
  {
    id: 'weightsUntouched',
    name: 'it leaves the folder it loads from as it is',
    expected: 'the same files, not written to',
    advice: 'Open files of `load` for reading only, and put what you unpack elsewhere: the folder is shared.',
    needs: 'loads',
    uses: ['save', 'load', 'predict'],
    async run(subject) {
      const folder = await subject.save(await subject.ready());
      await setWritable(folder, false);
      try {
        const before = await touchedOf(folder);
        const adapter = subject.create();
        await adapter.load(folder);
        await subject.predict(adapter, await subject.prepare(adapter));
        await subject.save(adapter);
        const words = { changed: 'was written to', added: 'was added', gone: 'was removed' };
        return differenceOfStates(before, await touchedOf(folder), words);
      } finally {
        await setWritable(folder, true);
      }
    },
  },
];
