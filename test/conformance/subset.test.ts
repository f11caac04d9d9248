import { expect, it } from 'vitest';
import { type ItemInput, ModelAdapter, type ModelAdapterClass } from '../../adapters/model-adapter.ts';
import { hostPython } from '../../adapters/python/python-adapter.ts';
import type { CheckResult } from '../../conformance/check.ts';
import { checkAdapter } from '../../conformance/check-adapter.ts';
import { currentRunApi } from '../../shared/invoke/run-api.ts';
import { pythonCode, pythonProblem } from '../adapters/python/hosted-python.ts';
import { describeUnless } from '../support/describe-unless.ts';

const failures = (checks: readonly CheckResult[]) => checks.filter(({ outcome }) => outcome === 'failed');
const passes = (checks: readonly CheckResult[]) =>
  checks.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id);

/** Has neither train nor load nor save, which its type asks for. */
const Rules = class extends (ModelAdapter as unknown as abstract new (
  ...given: ConstructorParameters<typeof ModelAdapter>
) => object) {
  declare labels: readonly string[];
  prepare(input: ItemInput) {
    return input.json();
  }
  predict(samples: readonly { x: number }[]) {
    return samples.map(() => [{ type: 'class', label: this.labels[0], confidence: 1 }]);
  }
} as unknown as ModelAdapterClass;

it('an adapter that only predicts is checked without weights, and passes what it can be asked', async () => {
  const { checks, passed } = await checkAdapter(Rules);

  expect(failures(checks)).toEqual([]);
  expect(passed).toBe(true);
  expect(passes(checks)).toEqual(
    expect.arrayContaining(['batches', 'predictTwice', 'unreadableItem', 'duplicateCall', 'evaluates']),
  );
  expect(checks.find(({ id }) => id === 'trains')).toMatchObject({
    outcome: 'skipped',
    reason: 'it has no train',
  });
});

it('an adapter that loads and does not train is not said to pass what needs its weights', async () => {
  class Loads extends (Rules as unknown as new (
    ...given: ConstructorParameters<typeof ModelAdapter>
  ) => object) {
    async load() {}
  }

  const { checks } = await checkAdapter(Loads as unknown as ModelAdapterClass);

  expect(checks.find(({ id }) => id === 'batches')).toMatchObject({
    outcome: 'skipped',
    reason: expect.stringContaining('--weights'),
  });
});

describeUnless(pythonProblem, 'an adapter in Python under check', () => {
  it('finds its dataset and its items in the API while it trains', async () => {
    const source = `
import json, os, urllib.request
class ModelAdapter:
    needs_api = True
    defaults = {"kind": "asks"}
    def use_entities(self, ids):
        self.ids = ids
    def ask(self, path):
        headers = {"authorization": "Bearer " + os.environ["MODELFN_API_TOKEN"]}
        with urllib.request.urlopen(urllib.request.Request(os.environ["MODELFN_API"] + path, headers=headers)) as answer:
            return json.load(answer)
    def train(self, data, context):
        dataset = self.ask("/datasets/" + self.ids["datasetId"])
        self.weights = {"dataset": dataset["name"], "labels": context.labels}
        context.throw_if_cancelled()
    def save(self, directory):
        with open(os.path.join(directory, "weights.json"), "w") as file:
            json.dump(self.weights, file, sort_keys=True)
    def load(self, directory, configuration, labels):
        with open(os.path.join(directory, "weights.json")) as file:
            self.weights = json.load(file)
        assert self.weights["dataset"] == "items"
    def predict(self, batch):
        return [[{"label": self.weights["labels"][0], "confidence": item.json()["x"] * 0 + 0.5}] for item in batch]
`;
    const { code } = pythonCode({ 'model.py': source });
    const adapterClass = await hostPython({ ...code, currentApi: currentRunApi });

    const { checks } = await checkAdapter(adapterClass);

    expect(failures(checks)).toEqual([]);
    expect(passes(checks)).toEqual(expect.arrayContaining(['trains', 'loads', 'roundTrip', 'evaluates']));
  });
});
