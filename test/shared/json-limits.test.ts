import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { jsonObjectSchema, jsonSchema } from '../../shared/entities/fields.ts';
import {
  assertJsonLimits,
  MAX_JSON_DEPTH,
  MAX_JSON_KEYS,
  MAX_JSON_VALUES,
} from '../../shared/json-limits.ts';
import { findJsonTextProblem } from '../../shared/json-text.ts';
import { parse } from '../../shared/parse.ts';

const lists = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const objects = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
const bytes = (text: string) => new TextEncoder().encode(text);

describe('limits of JSON', () => {
  it.each([
    ['lists', lists],
    ['objects', objects],
  ])('let %s of the greatest depth pass, and refuse one level more', (_name, nested) => {
    assertJsonLimits(nested(MAX_JSON_DEPTH), 'value');

    expect(() => assertJsonLimits(nested(MAX_JSON_DEPTH + 1), 'value')).toThrow(
      expect.objectContaining({ code: 'JsonLimitExceeded', statusCode: 400 }),
    );
  });

  it('name the field, with the path cut where it goes on without end', () => {
    const value = { name: 'x', metadata: { user: objects(5_000) } };

    expect(() => parse(z.object({ metadata: jsonObjectSchema }), value, 'item')).toThrow(
      expect.objectContaining({
        code: 'JsonLimitExceeded',
        message: expect.stringContaining('metadata.user.a.a.a.a...'),
        details: expect.objectContaining({ field: 'metadata.user.a.a.a.a...' }),
      }),
    );
  });

  it('bound the keys of one object and the values of all', () => {
    const wide = Object.fromEntries(
      Array.from({ length: MAX_JSON_KEYS + 1 }, (_, index) => [`k${index}`, 1]),
    );
    expect(() => assertJsonLimits({ wide }, 'value')).toThrow(
      expect.objectContaining({
        code: 'JsonLimitExceeded',
        details: expect.objectContaining({ field: 'wide' }),
      }),
    );
    expect(() => assertJsonLimits(new Array(MAX_JSON_VALUES).fill(0), 'value')).toThrow(
      expect.objectContaining({ code: 'JsonLimitExceeded' }),
    );
  });

  it('hold in every field of free JSON, also where no whole body is checked', () => {
    for (const schema of [jsonSchema, jsonObjectSchema])
      expect(z.safeParse(schema, { a: lists(5_000) }).error?.issues[0]?.message).toContain('nested deeper');
  });
});

describe('the text of a JSON body', () => {
  it('is refused before it is parsed when its parts would take much more memory than its bytes', () => {
    expect(findJsonTextProblem(bytes('['.repeat(1_000_000)))).toContain('nested deeper');
    expect(findJsonTextProblem(bytes(`[${'[],'.repeat(2_000_000)}1]`))).toContain('more than');
  });

  it('may hold any number of brackets and commas inside its texts', () => {
    const text = JSON.stringify({ '[{': '\\"[[[,'.repeat(10_000), list: [1, 2, '{{{'] });

    expect(findJsonTextProblem(bytes(text))).toBeUndefined();
  });
});
