import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { openWorkspace, pathsOf, put, STRANGER, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
let api: TestApi;
beforeEach(async () => {
  workspace = await openWorkspace({ maxItemBytes: 100_000 });
  api = await startTestApi(workspace.platform);
});
afterEach(async () => {
  await api.close();
  await workspace.platform.close();
});

/** A multipart body as the client writes it: type, path, metadata, file. */
function upload(path: string, content: string | Uint8Array, metadata?: unknown): FormData {
  const form = new FormData();
  form.set('type', 'file');
  form.set('path', path);
  if (metadata !== undefined)
    form.set('metadata', typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
  form.set(
    'file',
    new Blob([content as string | Uint8Array<ArrayBuffer>], { type: 'text/plain' }),
    path.split('/').at(-1),
  );
  return form;
}

const items = () => `/datasets/${workspace.dataset.id}/items`;

describe('uploads', () => {
  it('answers the item with the keys of the contract, and says what was done', async () => {
    const response = await api.send(
      'POST',
      `${items()}?mode=skip`,
      upload('/f/a.jpg', 'x', { user: { k: 1 } }),
    );
    const item = (await response.json()) as JsonObject;

    expect(response.headers.get('x-item-op')).toBe('created');
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(Object.keys(item).sort()).toEqual(
      [
        'id url name type filename dir hidden annotated metadata stream thumbnail annotations annotationsCount',
        'dataset createdAt datasetId creator',
      ]
        .join(' ')
        .split(' ')
        .sort(),
    );
    expect(item).toMatchObject({
      filename: '/f/a.jpg',
      url: `${api.url}/items/${item.id}`,
      stream: `${api.url}/items/${item.id}/stream`,
      dataset: `${api.url}/datasets/${workspace.dataset.id}`,
      metadata: { user: { k: 1 }, system: { mimetype: 'image/jpeg', size: 1 } },
    });
    expect((await api.json('GET', `/items/${item.id}`)).body).toEqual(item);
  });

  it('with skip answers what is there, with overwrite puts the new bytes in', async () => {
    const first = await (await api.send('POST', items(), upload('/a.txt', 'one'))).json();
    const skipped = await api.send('POST', `${items()}?mode=skip`, upload('/a.txt', 'two'));
    const replaced = await api.send('POST', `${items()}?mode=overwrite`, upload('/a.txt', 'three'));

    expect(skipped.headers.get('x-item-op')).toBe('exist');
    expect(await skipped.json()).toEqual(first);
    expect(replaced.headers.get('x-item-op')).toBe('overwrite');
    const { id } = (await replaced.json()) as { id: string };
    expect(await (await api.send('GET', `/items/${id}/stream`)).text()).toBe('three');
  });

  it('of a large body that is skipped leaves the connection usable', async () => {
    await put(workspace, '/a.bin');

    const skipped = await api.send('POST', items(), upload('/a.bin', new Uint8Array(5_000_000)));

    expect(skipped.headers.get('x-item-op')).toBe('exist');
    expect((await api.json('GET', `/datasets/${workspace.dataset.id}`)).status).toBe(200);
  });

  it('over the limit is a 413 that keeps nothing', async () => {
    const answer = await api.json('POST', items(), upload('/f/big', new Uint8Array(2_000_000)));

    expect(answer).toMatchObject({ status: 413, body: { statusCode: 413, code: 'ItemTooLarge' } });
    expect(await pathsOf(workspace)).toEqual([]);
  });

  it('cut off in the middle keeps nothing', async () => {
    const socket = connect(api.port, '127.0.0.1');
    const body = [
      '--b',
      'content-disposition: form-data; name="path"',
      '',
      '/f/cut',
      '--b',
      'content-disposition: form-data; name="file"; filename="cut"',
      '',
      'the first half',
    ].join('\r\n');
    socket.write(
      `POST /api/v1${items()} HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\n` +
        `content-length: ${body.length + 1000}\r\n\r\n${body}`,
    );
    socket.end();
    socket.resume();
    await once(socket, 'close');

    expect((await api.json('GET', '/projects')).status).toBe(200);
    expect(await pathsOf(workspace)).toEqual([]);
  });

  it('whose parts end before the file is complete is a 400', async () => {
    const body =
      '--b\r\ncontent-disposition: form-data; name="path"\r\n\r\n/f/cut\r\n' +
      '--b\r\ncontent-disposition: form-data; name="file"; filename="cut"\r\n\r\nhalf';
    const type = { 'content-type': 'multipart/form-data; boundary=b' };

    const response = await api.send('POST', items(), body, type);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'UploadInterrupted' });
    expect(await pathsOf(workspace)).toEqual([]);
  });

  it.each([
    ['no file', () => new URLSearchParams({ type: 'file', path: '/a' })],
    ['a climbing path', () => upload('/../a', 'x')],
    ['a path with a NUL', () => upload('/a\0b', 'x')],
    ['metadata that is not JSON', () => upload('/a', 'x', '{')],
    ['metadata that is a list', () => upload('/a', 'x', '[1]')],
    [
      'no path',
      () => {
        const form = upload('/a', 'x');
        form.delete('path');
        return form;
      },
    ],
    [
      'the path after the file',
      () => {
        const form = new FormData();
        form.set('file', new Blob(['x']), 'a');
        form.set('path', '/a');
        return form;
      },
    ],
    [
      'two parts and no file among them',
      () => {
        const form = new FormData();
        form.set('type', 'file');
        form.set('path', '/a');
        return form;
      },
    ],
  ])('with %s is a 400 that keeps nothing', async (_what, body) => {
    const answer = await api.json('POST', items(), body());

    expect(answer.status).toBe(400);
    expect(await pathsOf(workspace)).toEqual([]);
  });

  it('with a mode or content type that is none is a 400', async () => {
    expect((await api.json('POST', `${items()}?mode=destroy`, upload('/a', 'x'))).status).toBe(400);
    const response = await api.send('POST', items(), 'x', { 'content-type': 'multipart/form-data' });
    expect(response.status).toBe(400);
  });

  it('make dir takes the form the client sends, twice', async () => {
    const form = () => new URLSearchParams({ type: 'dir', path: '/a/b' });

    const first = await api.json('POST', items(), form());
    const second = await api.json('POST', items(), form());

    expect(first.body).toMatchObject({
      type: 'dir',
      filename: '/a/b',
      stream: null,
      metadata: { system: {} },
    });
    expect(second).toEqual(first);
  });
});

describe('items', () => {
  it('streams bytes with length and type, and gives an uploaded page no rights', async () => {
    const { id } = await put(workspace, '/p/é page.html', '<script>alert(1)</script>');

    const response = await api.send('GET', `/items/${id}/stream`, undefined, { 'x-dl-sanitize': '0' });

    expect(response.headers.get('content-length')).toBe('25');
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''%C3%A9%20page.html",
    );
    expect(await response.text()).toBe('<script>alert(1)</script>');
  });

  it.each([
    ['/a.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'attachment'],
    ['/a.xhtml', '<html xmlns="http://www.w3.org/1999/xhtml"/>', 'attachment'],
    ['/a.pdf', '%PDF-1.7', 'attachment'],
    ['/a.unknown', 'x', 'attachment'],
    ['/a.txt', 'x', 'inline'],
    ['/a.json', '{}', 'inline'],
  ])('%s is sent as something to run by no browser', async (path, text, disposition) => {
    const { id } = await put(workspace, path, text);

    const { headers } = await api.send('GET', `/items/${id}/stream`);

    expect(headers.get('content-disposition')).toMatch(new RegExp(`^${disposition};`));
    expect(headers.get('content-security-policy')).toContain('sandbox');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });

  it('answers 304 for bytes the caller has', async () => {
    const { id } = await put(workspace, '/a.txt');
    const etag = (await api.send('GET', `/items/${id}/stream`)).headers.get('etag')!;

    // Not by fetch, which asks every cache to look anew.
    const ask = request(`${api.url}/items/${id}/stream`, { headers: { 'if-none-match': etag } }).end();
    const [again] = (await once(ask, 'response')) as [IncomingMessage];
    again.resume();

    expect(again.statusCode).toBe(304);
  });

  it('a type that people wrote into the metadata cannot break the headers', async () => {
    const { id } = await put(workspace, '/a.txt');
    const patch = { metadata: { system: { mimetype: 'text/html\r\nset-cookie: a=b' } } };
    await api.json('PATCH', `/items/${id}?system=true`, patch);

    const response = await api.send('GET', `/items/${id}/stream`);

    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it('a stream whose content is lost is an error, not half an answer', async () => {
    const { platform } = workspace;
    const { id } = await put(workspace, '/a.txt');
    await platform.store.update('Item', id, (item) => ({
      ...item,
      content: { sha256: '0'.repeat(64), sizeBytes: 6 },
    }));

    const answer = await api.json('GET', `/items/${id}/stream`);

    expect(answer).toMatchObject({ status: 404, body: { code: 'ContentMissing' } });
  });

  it('the system gate is the query parameter', async () => {
    const { id } = await put(workspace, '/a.txt');
    const patch = { metadata: { system: { snapshotPartition: 'train' } } };

    const gated = await api.json('PATCH', `/items/${id}`, patch);
    const open = await api.json('PATCH', `/items/${id}?system=true`, patch);

    expect(gated.status).toBe(200);
    expect(gated.body.metadata).not.toMatchObject(patch.metadata);
    expect(open.body.metadata).toMatchObject(patch.metadata);
  });

  it('moves many into a folder, clones by command, deletes', async () => {
    const { id } = await put(workspace, '/a.txt');
    const folder = await api.json('POST', items(), new URLSearchParams({ type: 'dir', path: '/to' }));

    expect((await api.json('PUT', `${items()}/${folder.body.id}`, [id])).status).toBe(200);
    const clone = await api.json('POST', `/items/${id}/clone`, {
      targetDatasetId: workspace.dataset.id,
      remoteFileName: '/b.txt',
      metadata: {},
      cloneDatasetParams: { withItemsAnnotations: true, withMetadata: true, withTaskAnnotationsStatus: true },
      allowMany: false,
    });
    expect(clone.body).toMatchObject({ status: 'success', progress: 100, error: null });
    expect(clone.body.url).toBe(`${api.url}/commands/${clone.body.id}`);
    expect((await api.json('DELETE', `/items/${id}`)).status).toBe(200);
    expect(await pathsOf(workspace)).toEqual(['/b.txt', '/to']);
  });

  it('malformed ids are 400, missing ones 404, foreign ones 404', async () => {
    const { id } = await put(workspace, '/a.txt');

    expect((await api.json('GET', '/items/nonsense')).status).toBe(400);
    expect((await api.json('GET', `/items/${'0'.repeat(24)}`)).status).toBe(404);
    api.actor = STRANGER;
    for (const [method, path] of [
      ['GET', `/items/${id}`],
      ['GET', `/items/${id}/stream`],
      ['PATCH', `/items/${id}`],
      ['DELETE', `/items/${id}`],
    ] as const)
      expect((await api.json(method, path, method === 'PATCH' ? {} : undefined)).status).toBe(404);
    expect((await api.json('POST', items(), upload('/x', 'y'))).status).toBe(404);
  });
});
