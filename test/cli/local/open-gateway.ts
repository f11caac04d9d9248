import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type GatewayOptions, startGateway } from '../../../cli/local/gateway.ts';
import { isJsonObject, type JsonObject } from '../../../shared/json.ts';
import { silentLog } from '../../../shared/log.ts';
import { temporaryFolder } from './fixture-functions.ts';

const UNUSED_SOCKET = () => Promise.reject(new Error('no request of this test goes to the API'));

/** A gateway whose one function is `reply`, with what it was called with. */
export async function openGateway(
  reply: (event: JsonObject) => unknown = () => ({ statusCode: 200, body: 'fine' }),
  options: Partial<GatewayOptions> = {},
) {
  const events: JsonObject[] = [];
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    functions: {
      functionNames: ['predict'],
      invoke: async (_name, event) => {
        if (!isJsonObject(event)) throw new Error('the event is no object');
        events.push(event);
        return reply(event);
      },
    },
    apiSocket: UNUSED_SOCKET,
    log: silentLog,
    ...options,
  });
  onTestFinished(() => gateway.close(0));
  return { ...gateway, port: Number(new URL(gateway.url).port), events };
}

/** An HTTP server on a Unix socket, in place of the API's process. */
export async function apiServer(listener: RequestListener): Promise<string> {
  const path = join(await temporaryFolder(), 'api');
  const server = createServer(listener).listen(path);
  onTestFinished(() => closeServer(server));
  await once(server, 'listening');
  return path;
}

function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** A request with exactly these headers, which `fetch` would not send. */
export async function send(
  port: number,
  path: string,
  options: { method?: string; headers?: object; body?: string } = {},
) {
  const { body, ...rest } = options;
  const sent = request({ port, host: '127.0.0.1', path, ...rest, headers: { ...options.headers } });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) };
}
