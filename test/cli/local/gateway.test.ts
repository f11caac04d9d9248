import { describe, expect, it } from 'vitest';
import { openGateway, send } from './open-gateway.ts';

describe('the gateway', () => {
  it('lets only this machine in', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.evil.example', ''])
      await expect(openGateway(undefined, { host })).rejects.toMatchObject({
        code: 'HostRefused',
        statusCode: 400,
      });
  });

  it('listens on localhost and on IPv6 loopback as well', async () => {
    const { url } = await openGateway(undefined, { host: 'localhost' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('says which port is taken and how to choose another', async () => {
    const { port } = await openGateway();
    await expect(openGateway(undefined, { port })).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringMatching(new RegExp(`Port ${port} .*PORT=${port + 1}.*PORT=0`)),
    });
  });

  it.each([['evil.example'], ['127.0.0.1'], ['localhost:1'], ['localhost.evil.example:PORT']])(
    'refuses a request for the host %j, which a foreign name may lead here',
    async (host) => {
      const { port, events } = await openGateway();
      const { status, json } = await send(port, '/api/v1/functions/predict', {
        headers: { host: host.replace('PORT', String(port)) },
      });
      expect(status).toBe(403);
      expect(json()).toMatchObject({ code: 'UntrustedHost' });
      expect(events).toEqual([]);
    },
  );

  it.each([['localhost'], ['127.0.0.1'], ['[::1]'], ['LocalHost']])('answers as %s', async (name) => {
    const { port } = await openGateway();
    const { status } = await send(port, '/healthz', { headers: { host: `${name}:${port}` } });
    expect(status).toBe(200);
  });

  it.each([
    ['another site', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://localhost:1' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a site that hides', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses a write that comes from %s', async (_name, headers) => {
    const { url, events, port } = await openGateway();
    const options = { method: 'POST', headers: { host: `localhost:${port}`, ...headers } };
    const { status, json } = await send(port, '/api/v1/functions/predict', options);
    expect(status).toBe(403);
    expect(json()).toMatchObject({ code: 'UntrustedOrigin', details: { url } });
    expect(events).toEqual([]);
  });

  it('takes writes of its own pages and of programs', async () => {
    const { port, events } = await openGateway();
    const host = `localhost:${port}`;
    await send(port, '/api/v1/functions/predict', {
      method: 'POST',
      headers: { host, origin: `http://${host}` },
    });
    await send(port, '/api/v1/functions/predict', { method: 'POST', headers: { host } });
    expect(events).toHaveLength(2);
  });

  it('says at / what there is, and elsewhere that there is nothing', async () => {
    const { url } = await openGateway();
    expect(await (await fetch(url)).json()).toEqual({
      name: 'modelfn',
      api: `${url}/api/v1`,
      health: `${url}/healthz`,
      functions: { predict: `${url}/api/v1/functions/predict` },
    });
    const missing = await fetch(`${url}/nowhere`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: 'RouteNotFound', statusCode: 404 });
  });

  it('closes when the request under way is answered, and takes no other', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { url, close } = await openGateway(async () => {
      entered.resolve();
      await release.promise;
      return { statusCode: 200, body: 'in time' };
    });
    const underway = fetch(`${url}/api/v1/functions/predict`);
    await entered.promise;

    const closed = close();
    await expect(fetch(`${url}/healthz`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    release.resolve();

    expect(await (await underway).text()).toBe('in time');
    const begun = performance.now();
    await closed;
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
