import { inspect } from 'node:util';
import * as z from 'zod/mini';
import { mapItems } from '../../shared/datasets/map-items.ts';
import { inputOf } from '../../shared/datasets/partition-data.ts';
import { newMetricSampleSchema } from '../../shared/entities/metric-sample.ts';
import { hasCode } from '../../shared/errors.ts';
import { atAnotherTime } from '../another-time.ts';
import type { Check } from '../check.ts';
import { contentOf, differenceOfStates } from '../folder-state.ts';
import { ENDLESS, type Subject } from '../subject.ts';

const WORDS = { changed: 'with other bytes', added: 'only the second time', gone: 'only the first time' };

/** What training and saving keep to. */
export const TRAINING_CHECKS: readonly Check[] = [
  {
    id: 'trains',
    name: 'it prepares and trains on labelled items',
    expected: 'every item prepared, and train to end without an error',
    advice:
      'If the items of the kit are not of the kind your adapter reads, set its `static inputType`, or give items of your own with --data. An adapter that does not train is checked with the --weights it predicts with.',
    needs: 'maxBatchSize',
    uses: ['prepare', 'train'],
    async run(subject) {
      const unprepared = await unpreparedOf(subject);
      if (unprepared !== undefined) return unprepared;
      try {
        await subject.train(subject.create());
        return undefined;
      } catch (error) {
        if (hasCode(error, 'AdapterMethodMissing') && subject.hasGivenWeights)
          return { skipped: 'it does not train; the weights given are checked' };
        throw error;
      }
    },
  },
  {
    id: 'reports',
    name: 'its progress stays within 0..1, and its metrics are finite numbers with a name',
    expected: 'fractions from 0 to 1, and points with figure, legend, x and y',
    advice: 'Give progress as done / total, and log a number only when there is one.',
    needs: 'trains',
    trains: true,
    async run(subject) {
      const found: string[] = [];
      await subject.train(subject.create(), {
        progress(fraction) {
          if (!(fraction >= 0 && fraction <= 1)) found.push(`a progress of ${fraction}`);
        },
        log(...samples) {
          // The store keeps NaN, but an adapter should not log it.
          for (const sample of samples)
            if (!z.safeParse(newMetricSampleSchema, sample).success || !Number.isFinite(sample.y))
              found.push(`the point ${inspect(sample, { breakLength: Infinity })}`);
        },
      });
      return found[0];
    },
  },
  {
    id: 'loads',
    name: 'a new instance loads what it saves',
    expected: 'one file or more, and load to end without an error',
    advice: 'Write everything that predict needs into the folder of `save`, and read it back in `load`.',
    needs: 'trains',
    uses: ['load'],
    async run(subject) {
      const folder = await subject.weights();
      if ((await contentOf(folder)).size === 0) return 'an empty folder';
      await subject.loaded();
      return undefined;
    },
  },
  {
    id: 'saveTwice',
    name: 'saving twice gives equal bytes',
    expected: 'the same files with the same bytes',
    advice: 'Save no times and no random names, and keys in a fixed order.',
    needs: 'loads',
    uses: ['save'],
    async run(subject) {
      const adapter = await subject.ready();
      const first = await subject.save(adapter);
      const second = await atAnotherTime(() => subject.save(adapter));
      return differenceOfStates(await contentOf(first), await contentOf(second), WORDS);
    },
  },
  {
    id: 'trainTwice',
    name: 'training twice with the same seed and data gives equal bytes',
    expected: 'the same files with the same bytes',
    advice: 'Take all randomness from `context.seed`, and nothing from the time of day.',
    needs: 'loads',
    uses: ['save'],
    trains: true,
    async run(subject) {
      const once = async () => {
        const adapter = subject.create();
        await subject.train(adapter);
        return contentOf(await subject.save(adapter));
      };
      return differenceOfStates(await once(), await atAnotherTime(once), WORDS);
    },
  },
];

/** What `prepare` threw for items that are sound. */
async function unpreparedOf(subject: Subject): Promise<string | undefined> {
  const { platform, testItems } = subject.workbench;
  const adapter = subject.create();
  const prepare = (item: (typeof testItems)[number]) => adapter.prepare(inputOf(platform, item));
  const { failed } = await mapItems(testItems, (item) => item, prepare, ENDLESS);
  const [first] = failed;
  return (
    first &&
    `prepare threw for ${failed.length} of ${testItems.length} items, as for ${first.filename}: ${first.message}`
  );
}
