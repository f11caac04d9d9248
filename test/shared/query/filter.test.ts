import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { parseFilter } from '../../../shared/query/filter.ts';
import { matches } from '../../../shared/query/match.ts';

function problemOf(filter: JsonObject): string {
  try {
    parseFilter(filter);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a filter that cannot be read', () => {
  it.each<[JsonObject, string]>([
    [{ $an: [] }, '$an: there is no such operator here; the nearest is $and'],
    [
      { $and: [{ $or: [{ label: { $nn: [] } }] }] },
      '$and[0].$or[0].label.$nn: there is no such operator; the nearest is $ne',
    ],
    [{ label: { $regex: 'a' } }, 'label.$regex: there is no such operator'],
    [{ $and: { a: 1 } }, '$and: it takes a list of conditions'],
    [{ $or: ['a'] }, '$or[0]: a condition is an object'],
    [{ $and: [[{ a: 1 }]] }, '$and[0]: a condition is an object'],
    [{ a: { $in: 'x' } }, 'a.$in: it takes a list'],
    [{ a: { $in: [{}] } }, 'a.$in: it compares with a text'],
    [{ a: [['x']] }, 'a: it compares with a text'],
    [{ a: {} }, 'a: it compares with an empty object'],
    [{ a: { b: 1 } }, 'a.b: there is no such operator'],
    [{ a: { $gt: true } }, 'a.$gt: it compares with a text or a number'],
    [{ a: { $exists: 1 } }, 'a.$exists: it takes true or false'],
    [{ a: { $glob: 5 } }, 'a.$glob: it takes a pattern'],
    [{ 'a..b': 1 }, '"a..b": it is no name of a field'],
    [{ 'a"b': 1 }, 'it is no name of a field'],
    [{ 'a\u0000': 1 }, 'it is no name of a field'],
    [{ a: '\ud800' }, 'a: it holds half of a surrogate pair'],
    [{ a: { $lt: '\udc00' } }, 'a.$lt: it holds half of a surrogate pair'],
  ])('%j says where and what', (filter, problem) => {
    expect(problemOf(filter)).toContain(`Invalid filter: `);
    expect(problemOf(filter)).toContain(problem);
  });

  it('is refused by the length of a pattern', () => {
    expect(problemOf({ a: `${'x'.repeat(5_000)}*` })).toContain('the pattern is longer than 1024 characters');
  });

  it('is refused by the stars of one pattern, and of all together', () => {
    const stars = (count: number) => ({ $glob: '*a'.repeat(count) });

    expect(problemOf({ a: stars(32) })).toBe('none');
    expect(problemOf({ a: stars(33) })).toContain('the pattern has more than 32 stars');
    expect(problemOf({ a: '*a'.repeat(33) })).toContain('the pattern has more than 32 stars');
    expect(problemOf({ $or: Array.from({ length: 9 }, () => ({ a: stars(32) })) })).toContain(
      'the patterns have more than 256 stars together',
    );
  });

  it('is refused by its conditions, objects, values and texts, all parts together', () => {
    const many = (count: number, part: JsonObject) => ({ $or: Array.from({ length: count }, () => part) });

    expect(problemOf(many(1_001, { a: 1 }))).toContain('there are more than 1000 conditions');
    expect(problemOf(many(5_001, {}))).toContain('there are more than 5000 objects');
    expect(problemOf(many(11, { a: { $in: new Array<number>(10_000).fill(1) } }))).toContain(
      'the lists have more than 100000 values together',
    );
    expect(problemOf({ a: 'x'.repeat(70_000) })).toContain('the text is longer than 65536 characters');
    expect(problemOf(many(300, { a: 'x'.repeat(60_000) }))).toContain('characters together');
  });

  it('is refused by depth before the stack ends', () => {
    let filter: JsonObject = { a: 1 };
    for (let depth = 0; depth < 100_000; depth += 1) filter = { $and: [filter] };

    expect(problemOf(filter)).toContain('nested deeper than 32 levels');
  });
});

describe('a filter on a document', () => {
  it.each<[JsonObject, JsonObject, boolean]>([
    [{ a: false }, {}, true],
    [{ a: false }, { a: null }, true],
    [{ a: false }, { a: 0 }, false],
    [{ a: { $ne: true } }, {}, true],
    [{ a: null }, { a: false }, false],
    [{ a: true }, { a: 1 }, false],
    [{ a: 'x*' }, { a: ['x1'] }, false],
    [{ 'a.b': 1 }, { 'a.b': 1 }, false],
    [{ toString: { $exists: true } }, {}, false],
    [{ '__proto__.x': 1 }, JSON.parse('{"__proto__":{"x":1}}') as JsonObject, true],
    [{ a: { $in: [] } }, { a: 1 }, false],
    [{ $or: [] }, {}, true],
    [{ a: 1, $or: [{ b: 1 }, { c: 1 }] }, { a: 1, c: 1 }, true],
    [{ a: 1, $or: [{ b: 1 }, { c: 1 }] }, { a: 1 }, false],
  ])('%j on %j is %s', (filter, document, expected) => {
    expect(matches(parseFilter(filter), document)).toBe(expected);
  });
});
