import { describe, expect, it } from 'vitest';
import { describeReference, readReference, readReferences } from '../../../shared/resolve/reference.ts';

describe('reading a reference', () => {
  it.each([
    ['an id', 'abc'],
    ['the key of a Dataloop client', { snapshot_id: 'abc', dataset_id: 'other' }],
    ['an object with an id', { id: 'abc' }],
    ['a whole entity of the API', { id: 'abc', name: 'x', status: 'created', bucket: { type: 'local' } }],
  ])('takes %s', (_what, value) => {
    expect(readReference('Snapshot', value, 'snapshot')).toEqual({ by: 'id', id: 'abc' });
  });

  it('takes a name within a project and a model, which are references themselves', () => {
    const value = { name: 'rbf', model: { name: 'svm' }, project: 'p1' };

    expect(readReference('Snapshot', value, 'snapshot')).toEqual({
      by: 'name',
      name: 'rbf',
      model: { by: 'name', name: 'svm' },
      project: { by: 'id', id: 'p1' },
    });
  });

  it.each([
    ['a number', 5],
    ['null', null],
    ['a list', []],
    ['an empty object', {}],
    ['an id that is no text', { id: 7 }],
    ['an id with a slash', '../etc'],
    ['a misspelt key', { nmae: 'rbf' }],
    ['an empty name', { name: '' }],
  ])('refuses %s and names the field and the forms there are', (_what, value) => {
    const read = () => readReference('Snapshot', value, 'snapshot');

    expect(read).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
    expect(read).toThrow(/snapshot: .*snapshot_id.*name/);
  });

  it('takes a selection of items by dataset and filter', () => {
    const value = { dataset: 'd1', filter: { label: 'cat' }, sort: { createdAt: 'descending' } };

    expect(readReferences('Item', value, 'items')).toEqual({
      selection: {
        dataset: { by: 'id', id: 'd1' },
        filter: { label: 'cat' },
        sort: [{ field: 'createdAt', direction: 'descending' }],
      },
    });
  });

  it('names the place in a list where something is no reference', () => {
    expect(() => readReferences('Item', ['a', 5], 'items')).toThrow(/items\[1\]/);
  });

  it('shows a reference in words', () => {
    const reference = readReference('Item', { filename: '/a.png', dataset: { name: 'digits' } }, 'item');

    expect(describeReference(reference)).toBe('named "/a.png" in dataset named "digits"');
  });
});
