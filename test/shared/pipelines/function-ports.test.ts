import { expect, it } from 'vitest';
import { convertFunction } from '../../../functions/convert/convert.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { loadFunction } from '../../../functions/load/load.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { saveFunction } from '../../../functions/save/save.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { FUNCTION_NAMES } from '../../../shared/catalog/function-names.ts';
import type { InputSpecs } from '../../../shared/invoke/function-spec.ts';
import { FUNCTION_PORTS, fits } from '../../../shared/pipelines/function-ports.ts';

it('knows every function that there is', () => {
  expect(Object.keys(FUNCTION_PORTS).sort()).toEqual([...FUNCTION_NAMES].sort());
});

it.each([trainFunction, predictFunction, evaluateFunction, convertFunction, loadFunction, saveFunction])(
  'a node of $name has the inputs of the function itself',
  ({ name, inputs }) => {
    const expected = Object.entries(inputs as InputSpecs).map(([input, { type, required }]) => [
      input,
      { type, ...(required && { required }) },
    ]);

    expect(FUNCTION_PORTS[name]!.inputs).toEqual(Object.fromEntries(expected));
  },
);

it.each([
  ['Snapshot', 'Snapshot', true],
  ['Item', 'Item[]', true],
  ['Item[]', 'Item', false],
  ['Integer', 'Number', true],
  ['Number', 'Integer', false],
  ['Snapshot', 'Json', true],
  ['Json', 'Snapshot', false],
])('a value of %s into a port of %s: %s', (from, to, expected) => {
  expect(fits(from, to)).toBe(expected);
});
