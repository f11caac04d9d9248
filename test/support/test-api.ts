import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { API_PATH, createApp } from '../../shared/api/app.ts';
import { type Actor, LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import type { Platform } from '../../shared/platform.ts';

/** The entity API, listening on a port of its own. */
export interface TestApi {
  /** Address that paths of the contract are put behind. */
  url: string;
  port: number;
  /** Who asks from now on. */
  actor: Actor;
  /** Sends a request; a body that is no text or form goes as JSON. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** `send`, and the JSON of the answer. */
  json<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: T }>;
  close(): Promise<void>;
}

export async function startTestApi(platform: Platform): Promise<TestApi> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${API_PATH}`;
  const api: TestApi = {
    url,
    port,
    actor: LOCAL_ACTOR,
    send: (method, path, body, headers = {}) => fetch(url + path, requestInit(method, body, headers)),
    json: async (method, path, body) => {
      const response = await api.send(method, path, body);
      return { status: response.status, body: JSON.parse(await response.text()) };
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('request', createApp({ platform, actorOf: () => api.actor, baseUrlOf: () => url }));
  return api;
}

function requestInit(method: string, body: unknown, headers: Record<string, string>): RequestInit {
  if (body === undefined) return { method, headers };
  if (typeof body === 'string' || body instanceof FormData || body instanceof URLSearchParams)
    return { method, headers, body };
  return { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
