import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunApi } from '../../../adapters/built-in-adapters.ts';
import { Gate } from '../../../adapters/python/gate.ts';

const open: Gate[] = [];
afterEach(() => {
  for (const gate of open.splice(0)) gate.close();
});

/** A gate whose run tells the path it was asked for; time stands until it is moved. */
async function openGate(isRunning = true) {
  const state = { now: 1_000_000, isRunning };
  const api: RunApi = {
    email: 'a@example.org',
    answer: (request, response) => void response.end(JSON.stringify({ asked: request.url })),
  };
  const gate = new Gate(
    () => (state.isRunning ? api : undefined),
    () => state.now,
  );
  open.push(gate);
  const keys = await gate.open('a@example.org');
  const ask = async (token: string | undefined, path = '/projects') => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${keys.url}${path}`, { headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const renew = async (refreshToken: unknown) => {
    const body = JSON.stringify({ type: 'refresh_token', refresh_token: refreshToken });
    const response = await fetch(`${keys.origin}/token?default`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as { id_token: string } };
  };
  return { gate, keys, state, ask, renew };
}

describe('the gate of an adapter process', () => {
  it('lets its own token through to the run, as it was asked', async () => {
    const { keys, ask } = await openGate();

    expect(await ask(keys.token, '/items?a=1')).toEqual({
      status: 200,
      body: { asked: '/api/v1/items?a=1' },
    });
    expect(keys.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/v1$/);
  });

  it('gives tokens that the SDK reads: a JWT with email and end', async () => {
    const { keys, state } = await openGate();
    const claims = keys.token.split('.').map((part) => Buffer.from(part, 'base64url').toString());

    expect(JSON.parse(claims[0]!)).toMatchObject({ typ: 'JWT' });
    expect(JSON.parse(claims[1]!)).toEqual({ email: 'a@example.org', exp: state.now / 1000 + 3600 });
  });

  it('answers what the SDK asks when it is imported between two runs too, and nothing else then', async () => {
    const { keys, state } = await openGate();
    state.isRunning = false;
    const post = (path: string, token = keys.token) =>
      fetch(`${keys.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });

    expect(await (await post('/sdk/check')).json()).toMatchObject({ level: 'debug' });
    expect(await (await post('/settings/resolve')).json()).toEqual([]);
    expect((await post('/sdk/check', 'another')).status).toBe(401);
    expect((await post('/datasets')).status).toBe(403);
  });

  it('knows no token but its own', async () => {
    const { keys, ask } = await openGate();
    const other = await openGate();
    const [head, , sign] = keys.token.split('.');
    const forged = `${head}.${Buffer.from('{"email":"x","exp":9e9}').toString('base64url')}.${sign}`;

    for (const token of [undefined, '', 'a.b.c', forged, other.keys.token, keys.refreshToken])
      expect(await ask(token), String(token)).toMatchObject({ status: 401, body: { code: 'TokenRefused' } });
  });

  it('ends a token after an hour, and renews it for who has the refresh token', async () => {
    const { keys, state, ask, renew } = await openGate();
    state.now += 3600_000;

    expect((await ask(keys.token)).status).toBe(401);
    expect((await renew('another')).status).toBe(401);
    expect((await renew({ not: 'text' })).status).toBe(401);
    expect((await renew('x'.repeat(10_000))).status).toBe(401);
    const renewed = await renew(keys.refreshToken);
    expect((await ask(renewed.body.id_token)).status).toBe(200);
  });

  it('lets nothing through between two runs', async () => {
    const { keys, ask } = await openGate(false);

    expect(await ask(keys.token)).toMatchObject({ status: 403, body: { code: 'NoRunToAsk' } });
  });

  it('is gone once it is closed, with what is under way', async () => {
    const { gate, keys } = await openGate();
    const socket = connect(Number(new URL(keys.origin).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const cut = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\n');

    gate.close();
    gate.close();

    await cut;
    await expect(fetch(keys.url)).rejects.toThrow('fetch failed');
  });
});
