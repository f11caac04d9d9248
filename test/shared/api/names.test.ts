import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PathIndex } from '../../../shared/convert/path-index.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

const COMPOSED = 'caf\u00e9';
const DECOMPOSED = 'cafe\u0301';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const upload = async (path: string) => {
  const form = new FormData();
  form.append('type', 'file');
  form.append('path', path);
  form.append('file', new Blob([path]), 'a');
  const url = `${api.baseUrl}/datasets/${api.dataset.id}/items`;
  const response = await fetch(url, { method: 'POST', body: form });
  return { op: response.headers.get('x-item-op'), status: response.status, body: await response.json() };
};
const model = (name: string) => api.call('POST', '/models', { name, projectId: api.project.id });

describe('two names that look the same', () => {
  it('are one name for entities, stored composed and found by both', async () => {
    expect((await model(DECOMPOSED)).body).toMatchObject({ name: COMPOSED });

    expect(await model(COMPOSED)).toMatchObject({ status: 409 });
    for (const name of [COMPOSED, DECOMPOSED])
      expect((await api.call('POST', '/models/query', { filter: { name } })).body.totalItemsCount).toBe(1);
  });

  it('are one path for items, found by both', async () => {
    expect((await upload(`/${DECOMPOSED}/${DECOMPOSED}.txt`)).op).toBe('created');
    expect((await upload(`/${COMPOSED}/${COMPOSED}.txt`)).op).toBe('exist');

    for (const name of [COMPOSED, DECOMPOSED]) {
      const filter = { $or: [{ filename: `/${name}/${name}.txt` }, { dir: { $in: [`/${name}`] } }] };
      const { body } = await api.call('POST', `/datasets/${api.dataset.id}/query`, { filter });
      expect(body.totalItemsCount).toBe(1);
    }
  });

  it('are one file for annotations that name it', () => {
    const index = new PathIndex([{ path: `${COMPOSED}.png` }]);

    expect(index.find(`${DECOMPOSED}.png`)).toEqual({ path: `${COMPOSED}.png` });
    expect(index.findStem(DECOMPOSED)).toEqual({ path: `${COMPOSED}.png` });
  });
});

describe('a character that nobody sees', () => {
  it.each([
    ['the direction of text', 'exe\u202egnp'],
    ['an isolate of direction', 'a\u2066b'],
    ['a mark of direction', 'a\u200fb'],
    ['a space of no width', 'a\u200bb'],
    ['a byte order mark', 'a\ufeffb'],
    ['a separator of lines', 'a\u2028b'],
    ['a tag', 'a\u{e0041}b'],
    ['a control character', 'a\u0007b'],
  ])('such as %s is refused in names and paths', async (_name, name) => {
    expect(await model(name)).toMatchObject({ status: 400, body: { code: 'InvalidInput' } });
    expect(await upload(`/${name}.txt`)).toMatchObject({ status: 400, body: { code: 'InvalidItemPath' } });
  });

  it.each([['日本語'], ['مرحبا'], ['family \u{1f468}\u200d\u{1f469}\u200d\u{1f467}'], ['Ünïcödé']])(
    'is not in %s, which is a name',
    async (name) => {
      expect((await model(name)).status).toBe(200);
    },
  );
});
