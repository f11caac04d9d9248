import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Item } from '../../shared/entities/item.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { parseFilter } from '../../shared/query/filter.ts';
import { matches } from '../../shared/query/match.ts';
import type { Sort } from '../../shared/query/query.ts';
import type { EntityStore } from '../../shared/store/entity-store.ts';
import { openSqliteStore } from '../../shared/store/sqlite.ts';
import { item } from '../shared/store/sample-entities.ts';
import { document, field, filter } from './filter-arbitraries.ts';

const SEED = Number(process.env.MODELFN_TEST_SEED ?? Date.now() % 1_000_000);

/** What any store makes of filters and sort keys: the same as the naive matcher, and as every other store. */
export function filtersContract(name: string, open: () => EntityStore, numRuns: number): void {
  describe(`filters in a store: ${name}`, () => {
    it(`select exactly what the naive evaluator selects (seed ${SEED})`, async () => {
      let selected = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(document, { minLength: 1, maxLength: 8 }),
          fc.array(filter, { minLength: 1, maxLength: 4 }),
          async (documents, filters) => {
            const items = await filled(open(), documents);
            for (const each of filters) {
              const parsed = parseFilter(each);
              const expected = items
                .filter((one) => matches(parsed, JSON.parse(JSON.stringify(one)) as JsonObject))
                .map(({ id }) => id);
              selected += expected.length;
              expect(await open().ids('Item', { filter: each })).toEqual(expected);
            }
          },
        ),
        { seed: SEED, numRuns },
      );
      // Filters that never select would agree with anything.
      expect(selected).toBeGreaterThan(numRuns / 2);
    });

    it(`sort as the embedded store sorts (seed ${SEED})`, async () => {
      const embedded = await openSqliteStore({ path: ':memory:' });
      const sort: fc.Arbitrary<Sort> = fc.array(
        fc.record({
          field: field.filter((name) => name !== 'metadata.user'),
          direction: fc.constantFrom('ascending' as const, 'descending' as const),
        }),
        { minLength: 1, maxLength: 3 },
      );
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.array(document, { minLength: 2, maxLength: 12 }),
            fc.array(sort, { minLength: 1, maxLength: 4 }),
            async (nested, sorts) => {
              // Where lists and objects stand among each other is the store's own affair.
              const documents = nested.map(flat);
              await filled(embedded, documents);
              await filled(open(), documents);
              for (const each of sorts)
                expect(await open().ids('Item', { sort: each })).toEqual(
                  await embedded.ids('Item', { sort: each }),
                );
            },
          ),
          { seed: SEED, numRuns: numRuns / 2 },
        );
      } finally {
        await embedded.close();
      }
    });
  });
}

function flat(fields: Partial<Item>): Partial<Item> {
  const { metadata, spec, ...others } = fields;
  const user = isJsonObject(metadata?.user) ? metadata.user : {};
  return {
    ...others,
    ...(typeof spec !== 'object' && spec !== undefined && { spec }),
    metadata: {
      ...metadata,
      user: Object.fromEntries(Object.entries(user).filter(([, value]) => typeof value !== 'object')),
    },
  };
}

async function filled(store: EntityStore, documents: readonly Partial<Item>[]) {
  const items = documents.map((fields, index) => item(`i${index}`, { ...fields, datasetId: `d${index}` }));
  await store.delete('Item', await store.ids('Item', {}));
  await store.insert('Item', items);
  return items;
}
