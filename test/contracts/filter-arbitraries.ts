import fc from 'fast-check';
import type { Item } from '../../shared/entities/item.ts';
import type { Json, JsonObject } from '../../shared/json.ts';

// Few words, so that filters and documents meet; each differs from another by one thing that a database may overlook.
const text = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'A',
    'b',
    '5',
    '1',
    'true',
    'null',
    '/a',
    '/a/b',
    '/a/b/c.jpg',
    '/ab',
    'ä',
    'a\u0000b',
  ),
  fc.constantFrom('a%', '_', "a'b", 'a"b', 'a\\b', '[a]', '{}', '\u{1f600}', '\uffff', ' a', 'a '),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const number = fc.oneof(
  fc.constantFrom(0, -0, 1, 5, 1.5, -1, 2 ** 53, 2 ** 63, -(2 ** 63), 1e21, 1e-7, 0.1, 0.30000000000000004),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const scalar: fc.Arbitrary<string | number | boolean | null> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 3, arbitrary: number },
  { weight: 2, arbitrary: fc.boolean() },
  fc.constant(null),
);
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('x', 'y'), scalar, { maxKeys: 2 }),
);

const NAMES = ['a', 'b', 'ä b', '__proto__', '0', 'hidden'];
export const document: fc.Arbitrary<Partial<Item>> = fc
  .record(
    {
      filename: text,
      dir: text,
      type: fc.constantFrom('file', 'dir'),
      hidden: fc.boolean(),
      annotated: fc.boolean(),
      creator: text,
      spec: value,
      partition: text,
      user: fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 4 }),
    },
    { requiredKeys: ['filename'] },
  )
  .map(({ partition, user, ...fields }) => ({
    ...(fields as Partial<Item>),
    metadata: {
      system: partition === undefined ? {} : { snapshotPartition: partition },
      ...(user && { user }),
    },
  }));

export const field = fc.oneof(
  fc.constantFrom('id', 'filename', 'dir', 'type', 'hidden', 'annotated', 'creator', 'spec', 'spec.x'),
  fc.constant('metadata.system.snapshotPartition'),
  fc.constantFrom(...NAMES).map((name) => `metadata.user.${name}`),
  fc.constantFrom('metadata.user.a.x', 'metadata.user', 'none', 'metadata.user.a.0'),
);
const pattern = fc
  .array(fc.oneof(text, fc.constantFrom('*', '**', '/', '/**')), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''));
const operand: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  pattern,
  fc.array(scalar, { maxLength: 4 }),
  scalar.map(($eq) => ({ $eq })),
  scalar.map(($ne) => ({ $ne })),
  fc.array(scalar, { maxLength: 4 }).map(($in) => ({ $in })),
  fc.array(scalar, { maxLength: 4 }).map(($nin) => ({ $nin })),
  fc.boolean().map(($exists) => ({ $exists })),
  pattern.map(($glob) => ({ $glob })),
  fc.oneof(text, number).map(($gt) => ({ $gt })),
  fc.tuple(number, number).map(([$gte, $lt]) => ({ $gte, $lt })),
  fc.tuple(text, text).map(([$gte, $lte]) => ({ $gte, $lte })),
);
const condition: fc.Arbitrary<JsonObject> = fc.dictionary(field, operand, {
  minKeys: 0,
  maxKeys: 2,
  noNullPrototype: true,
});
export const { filter } = fc.letrec<{ filter: JsonObject }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
    condition,
    fc.array(tie('filter'), { maxLength: 3 }).map(($and) => ({ $and })),
    fc.array(tie('filter'), { maxLength: 3 }).map(($or) => ({ $or })),
    fc
      .tuple(condition, fc.array(tie('filter'), { maxLength: 2 }))
      .map(([fields, $or]) => ({ ...fields, $or })),
  ),
}));
