import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { compileCondition, fieldsOfCondition } from '../../../shared/pipelines/condition.ts';

const OUTPUT = { status: 'trained', metrics: { accuracy: 0.95, 'f1-score': 0.9 }, items: 3, none: null };

describe('the condition of a connection', () => {
  it.each([
    ['{}', true],
    ['{"status": "trained"}', true],
    ['{"status": "other"}', false],
    ['{"metrics.accuracy": {"$gte": 0.95}}', true],
    ['{"metrics.accuracy": {"$gt": 0.95}}', false],
    ['{"metrics.accuracy": {"$gt": 0.9, "$lt": 1}}', true],
    ['{"metrics.f1-score": {"$eq": 0.9}}', true],
    ['{"items": {"$in": [1, 3]}}', true],
    ['{"items": {"$in": [1, 2]}}', false],
    ['{"items": {"$ne": 4}}', true],
    ['{"status": {"$gt": 5}}', false],
    ['{"missing": {"$gt": 5}}', false],
    ['{"missing": 5}', false],
    ['{"missing": {"$exists": false}}', true],
    ['{"none": null}', true],
    ['{"$or": [{"items": 1}, {"status": "trained"}]}', true],
    ['{"$and": [{"items": 1}, {"status": "trained"}]}', false],
    ['{"$not": {"items": 1}}', true],
    ['{"status": "a\\"b` $x {% 1 %}"}', false],
  ])('%s is %s', async (condition, expected) => {
    const expression = compileCondition(condition, '$output');

    expect(await jsonata(expression).evaluate(undefined, { output: OUTPUT })).toBe(expected);
  });

  it.each([
    ['accuracy > 0.9', 'no JSON'],
    ['[]', 'a JSON object'],
    ['{"a": {"$regex": "x"}}', '$regex is no comparison'],
    ['{"$where": "1"}', '$where is no operator'],
    ['{"a": {"$gt": true}}', 'takes a number'],
    ['{"a": {"$in": 1}}', 'takes a list'],
    ['{"$or": []}', 'takes a list'],
    ['{"a`b": 1}', 'is no path'],
    ['{"a..b": 1}', 'is no path'],
    ['{"a": {}}', 'empty'],
    ['{"a": [1]}', 'takes texts'],
    [`${'{"$not":'.repeat(20)}{}${'}'.repeat(20)}`, 'ten deep'],
  ])('%s is refused', (condition, said) => {
    expect(() => compileCondition(condition, '$output')).toThrow(said);
  });

  it('tells the fields that it reads', () => {
    expect(
      fieldsOfCondition('{"$or": [{"metrics.accuracy": 1}, {"status": "x"}], "items": 1}').sort(),
    ).toEqual(['items', 'metrics', 'status']);
  });
});
