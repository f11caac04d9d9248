import { describe, expect, it } from 'vitest';
import { jsonObjectSchema, jsonSchema } from '../../../shared/entities/fields.ts';
import { parse } from '../../../shared/parse.ts';

describe('JSON from outside', () => {
  it.each(['{"a":[1,{"b":null}]}', '{}', '{"constructor":1,"prototype":{}}'])(
    'is taken as it is: %s',
    (text) => {
      const value: unknown = JSON.parse(text);

      expect(parse(jsonObjectSchema, value, 'body')).toEqual(value);
      expect(parse(jsonSchema, value, 'body')).toEqual(value);
    },
  );

  it.each(['{"__proto__":{"admin":true}}', '{"a":[{"__proto__":1}]}', '{"a":{"b":{"__proto__":null}}}'])(
    'is refused with a key __proto__ rather than kept without it: %s',
    (text) => {
      for (const schema of [jsonObjectSchema, jsonSchema])
        expect(() => parse(schema, JSON.parse(text), 'body')).toThrow(
          expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining('__proto__') }),
        );
    },
  );

  it.each([null, 1, 'text', []])('is no object: %j', (value) => {
    expect(() => parse(jsonObjectSchema, value, 'body')).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }),
    );
  });
});
