import { isModelAdapter } from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Check } from '../check.ts';

/** What can be told of a class without data. */
export const CLASS_CHECKS: readonly Check[] = [
  {
    id: 'extendsModelAdapter',
    name: 'it extends the ModelAdapter of modelfn',
    expected: 'an instance of ModelAdapter',
    advice: 'Write `class MyAdapter extends ModelAdapter` with ModelAdapter imported from "modelfn".',
    run({ adapterClass, configuration, labels }) {
      // Thawed copies: whether it takes frozen ones is the next question.
      const setup = { configuration: structuredClone(configuration) as JsonObject, labels: [...labels] };
      return isModelAdapter(new adapterClass(setup)) ? undefined : 'its class extends something else';
    },
  },
  {
    id: 'frozenSetup',
    name: 'it takes a frozen configuration and frozen labels, and keeps them as they are',
    expected: 'the configuration and labels it was given, unchanged',
    advice: 'Give `setup` on to `super` and copy what you want to change.',
    needs: 'extendsModelAdapter',
    run(subject) {
      const { configuration, labels } = subject.create();
      if (configuration !== subject.configuration) return 'another configuration on the instance';
      return labels === subject.labels ? undefined : 'other labels on the instance';
    },
  },
  {
    id: 'maxBatchSize',
    name: 'its maxBatchSize is a whole number from 1',
    expected: 'a whole number from 1',
    advice: 'Set `readonly maxBatchSize` to the most samples one predict can hold in memory.',
    needs: 'frozenSetup',
    run(subject) {
      const { maxBatchSize } = subject.create();
      return Number.isSafeInteger(maxBatchSize) && maxBatchSize >= 1 ? undefined : `it is ${maxBatchSize}`;
    },
  },
];
