import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { probabilitiesOf } from '../../../adapters/inception/head.ts';
import { Lbfgs } from '../../../adapters/inception/lbfgs.ts';
import { SoftmaxObjective } from '../../../adapters/inception/softmax-objective.ts';
import { surestFirst } from '../../../adapters/onnx-engine/softmax.ts';
import { readDigits } from '../../../cli/demo/digits.ts';

const reference = JSON.parse(
  await readFile(join(import.meta.dirname, '../../fixtures/reference/sklearn.json'), 'utf8'),
).logreg.digits_over_16 as { C: number; objective: number; predictions: number[]; accuracy: number };

it("comes to scikit-learn's optimum and predictions on the digits", async () => {
  const rows = await readDigits();
  const [train, test] = ['train', 'test'].map((part) => rows.filter(({ split }) => split === part));
  const table = {
    features: Float32Array.from(train!.flatMap(({ pixels }) => pixels.map((level) => level / 16))),
    classes: Int32Array.from(train!, ({ label }) => Number(label)),
    dims: 64,
    classCount: 10,
  };

  const optimiser = new Lbfgs(new SoftmaxObjective(table, reference.C));
  while (optimiser.slope > 1e-4 && optimiser.step());

  const { parameters, value, iteration } = optimiser.state;
  const classes = Array.from({ length: 10 }, (_, digit) => String(digit));
  const predicted = test!.map(({ pixels }) => {
    const vector = pixels.map((level) => level / 16);
    return surestFirst(probabilitiesOf({ classes, dims: 64, parameters }, vector))[0];
  });
  expect(value).toBeCloseTo(reference.objective, 4);
  expect(predicted).toEqual(reference.predictions);
  expect(iteration).toBeLessThan(500);
});

it('has the slope that its values have', () => {
  const table = {
    features: Float32Array.of(1, 2, -1, 0.5, 0, 1),
    classes: Int32Array.of(0, 1, 2),
    dims: 2,
    classCount: 3,
  };
  const objective = new SoftmaxObjective(table, 3);
  const at = Float64Array.from({ length: objective.size }, (_, index) => Math.sin(index + 1));
  const slope = new Float64Array(objective.size);
  objective.evaluate(at, slope);

  const unused = new Float64Array(objective.size);
  for (let index = 0; index < objective.size; index += 1) {
    const moved = (by: number) => at.map((each, place) => (place === index ? each + by : each));
    const rise = objective.evaluate(moved(1e-5), unused) - objective.evaluate(moved(-1e-5), unused);
    expect(rise / 2e-5).toBeCloseTo(slope[index]!, 5);
  }
});
