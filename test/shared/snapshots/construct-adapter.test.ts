import { expect, it } from 'vitest';
import { ModelAdapter, type ModelAdapterClass } from '../../../adapters/model-adapter.ts';
import { constructAdapter } from '../../../shared/snapshots/construct-adapter.ts';
import { model, snapshot } from '../store/sample-entities.ts';

const Own = ModelAdapter as unknown as new (setup: unknown) => object;

function failing(): number {
  throw new RangeError('no labels');
}

const construct = (adapterClass: unknown) =>
  constructAdapter(
    { cacheDirectory: '/cache' },
    adapterClass as ModelAdapterClass,
    model('m1', 'p1'),
    snapshot('s1', 'p1'),
  );

it.each([
  [
    'a class of its own that has some of the methods',
    class {
      load() {}
      predict() {}
    },
    'is not a ModelAdapter',
  ],
  ['a function that is no class', () => ({ predict: () => [] }), 'cannot be constructed'],
  [
    'a class whose constructor fails',
    class extends Own {
      readonly size = failing();
    },
    'cannot be constructed: no labels',
  ],
  [
    'a class whose defaults are no data',
    Object.assign(class extends Own {}, { defaults: { f: () => 1 } }),
    'cannot be constructed',
  ],
])('%s is refused as the fault of the pushed code', (_name, adapterClass, problem) => {
  expect(() => construct(adapterClass)).toThrow(
    expect.objectContaining({
      code: 'AdapterUnusable',
      statusCode: 422,
      message: expect.stringContaining(problem),
    }),
  );
});

it('a class of its own is constructed when it has every member that functions use', () => {
  class Whole {
    readonly maxBatchSize = 8;
    prepare() {}
    predict() {}
  }

  expect(construct(Whole)).toBeInstanceOf(Whole);
});

it('a class that extends ModelAdapter is constructed', () => {
  expect(construct(Own)).toBeInstanceOf(Own);
});
