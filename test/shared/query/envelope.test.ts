import { describe, expect, it } from 'vitest';
import { readEnvelope } from '../../../shared/query/envelope.ts';

function problemsOf(body: unknown): unknown {
  try {
    return readEnvelope(body);
  } catch (error) {
    return (error as { code: string; details: { problems: { field: string }[] } }).details.problems.map(
      ({ field }) => field,
    );
  }
}

describe('a query envelope', () => {
  it('is read as the client sends it', () => {
    const envelope = readEnvelope({
      filter: { $and: [{ hidden: false }] },
      sort: { createdAt: 'descending', label: 'ascending' },
      page: 2,
      pageSize: 100,
      resource: 'annotations',
      join: {
        on: { resource: 'items', local: 'id', forigen: 'itemId' },
        filter: { $and: [{ type: 'file' }] },
      },
      context: { datasets: ['d1'] },
      references: { operation: 'create', refs: [{ type: 'task', id: 't1' }] },
    });

    expect(envelope).toEqual({
      resource: 'annotations',
      query: {
        filter: { $and: [{ hidden: false }] },
        sort: [
          { field: 'createdAt', direction: 'descending' },
          { field: 'label', direction: 'ascending' },
        ],
        page: 2,
        pageSize: 100,
        join: { resource: 'items', filter: { $and: [{ type: 'file' }] } },
      },
      delete: false,
      update: undefined,
      systemSpace: false,
    });
  });

  it('asks for all items when it says nothing, and reads null as not given', () => {
    const nothing = {
      resource: 'items',
      query: { filter: {} },
      delete: false,
      update: undefined,
      systemSpace: false,
    };

    expect(readEnvelope(undefined)).toEqual(nothing);
    expect(readEnvelope({})).toEqual(nothing);
    expect(
      readEnvelope({ filter: null, sort: null, page: null, join: null, delete: null, update: null }),
    ).toEqual(nothing);
    expect(readEnvelope({ join: {} })).toEqual(nothing);
  });

  it('tells a bulk change from a question', () => {
    expect(readEnvelope({ delete: true }).delete).toBe(true);
    expect(
      readEnvelope({ systemSpace: true, update: { metadata: { system: { snapshotPartition: 'train' } } } }),
    ).toMatchObject({ systemSpace: true, update: { metadata: { system: { snapshotPartition: 'train' } } } });
  });

  it.each<[unknown, string[]]>([
    [[], ['']],
    ['x', ['']],
    [{ filter: [] }, ['filter']],
    [{ sort: { a: 'up' }, page: 'x' }, ['sort.a', 'page']],
    [{ delete: 'yes' }, ['delete']],
    [{ update: [] }, ['update']],
    [{ resource: 5 }, ['resource']],
  ])('%j is refused by field', (body, fields) => {
    expect(problemsOf(body)).toEqual(fields);
  });
});
