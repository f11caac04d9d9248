import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorBody, messageOf, systemCode, toErrorBody } from '../../shared/errors.ts';
import { missingSecurityHeaders } from '../../shared/http/security-headers.ts';
import type { Log } from '../../shared/log.ts';
import { DEFAULT_PACE, type PaceLimits, watchPace } from './client-pace.ts';
import {
  AmbiguousHost,
  BodyTooSlow,
  CannotListen,
  FunctionNotFound,
  PortInUse,
  RouteNotFound,
} from './errors.ts';
import type { FunctionHost } from './function-host.ts';
import { type HttpReply, jsonReply, toHttpEvent, toHttpReply } from './http-event.ts';
import { loopbackUrl, requireLoopback, requireTrusted } from './loopback-guard.ts';
import { answerMalformedRequests } from './malformed-requests.ts';
import { readBody } from './request-body.ts';
import { proxyToSocket } from './socket-proxy.ts';

export interface GatewayOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  functions: Pick<FunctionHost, 'invoke' | 'functionNames'>;
  /** Path of the Unix socket that serves the rest of `/api/v1`. */
  apiSocket(): Promise<string>;
  log: Log;
  /**
   * Takes requests from anywhere, under any name: for a container behind an ingress that decides who may call. Without it
   * only this machine is let in.
   */
  exposed?: boolean;
  /** How slow a client may send its body and take its answer. */
  pace?: PaceLimits;
  /** Time from the connection, or the last answer, to the end of the next request's headers. Default: 30 s. */
  headersTimeoutMs?: number;
}

export interface Gateway {
  url: string;
  /** Takes no more requests; those under way have `graceMs` to finish. May be called twice. */
  close(graceMs?: number): Promise<void>;
}

/** The limit of API Gateway. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const DEFAULT_GRACE_MS = 10_000;
const HEADERS_TIMEOUT_MS = 30_000;
const CHECK_INTERVAL_MS = 5_000;

/** Functions whose calls may be run twice: the same prediction again replaces the first one. */
const REPEATABLE = ['predict', 'load'];

const FUNCTION_PATH = /^\/api\/v1\/functions\/([^/]+)\/?$/;

/**
 * What API Gateway is in the cloud: an HTTP server in front of functions and entity API, for this machine alone unless it is
 * `exposed`.
 * - `/api/v1/functions/<name>` becomes an event of payload format 2.0 for the function;
 * - the rest of `/api/v1` is streamed to the API's socket;
 * - `/` says what there is, `/healthz` that it runs.
 * @throws HostRefused, PortInUse, CannotListen
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  if (!options.exposed) requireLoopback(options.host);
  const { headersTimeoutMs = HEADERS_TIMEOUT_MS } = options;
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    // An upload may take as long as it takes: its progress is watched instead.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(headersTimeoutMs, CHECK_INTERVAL_MS),
  });
  answerMalformedRequests(server);
  const port = await listen(server, options);
  server.on('request', (request, response) => void answer({ ...options, port }, request, response));
  let closing: Promise<void> | undefined;
  server.on('request', (_request, response) => {
    // A connection whose last answer is out while the server closes would wait for its keep-alive to end.
    response.on('close', () => closing && setImmediate(() => server.closeIdleConnections()));
  });
  return {
    url: loopbackUrl(options.host, port),
    close: (graceMs = DEFAULT_GRACE_MS) => {
      closing ??= close(server, graceMs);
      return closing;
    },
  };
}

async function listen(server: Server, { host, port }: GatewayOptions): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') throw new PortInUse(port, error);
    throw new CannotListen(host, port, messageOf(error), error);
  }
  server.off('error', reject);
  return (server.address() as AddressInfo).port;
}

async function close(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await promise;
  clearTimeout(timer);
}

async function answer(
  options: GatewayOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that goes away is no fault of anyone's.
  response.on('error', () => {});
  const pace = options.pace ?? DEFAULT_PACE;
  watchPace(request, response, pace, () => {
    if (response.headersSent) return void request.destroy();
    response.once('finish', () => request.destroy());
    write(response, closing(jsonReply(408, new BodyTooSlow(pace).toJSON())), request);
  });
  try {
    const hosts = request.headersDistinct.host ?? [];
    if (hosts.length > 1) throw new AmbiguousHost(hosts.length);
    if (!options.exposed) requireTrusted(request, options.host, options.port);
    await route(options, request, response);
  } catch (error) {
    const body = toErrorBody(error);
    if (body.statusCode >= 500)
      options.log.error('request failed', {
        method: request.method,
        code: body.code,
        reason: body.message,
        stack: body.code === 'InternalError' && error instanceof Error ? error.stack : undefined,
      });
    if (response.headersSent) response.destroy();
    else writeError(response, body, request);
  }
}

/** Never throws. */
function writeError(response: ServerResponse, body: ErrorBody, request: IncomingMessage): void {
  try {
    write(response, jsonReply(body.statusCode, body), request);
  } catch {
    response.destroy();
  }
}

async function route(
  options: GatewayOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  const functionName = FUNCTION_PATH.exec(path)?.[1];
  if (functionName !== undefined) return callFunction(options, functionName, request, response);
  if (path.startsWith('/api/v1/') || path === '/api/v1')
    return proxyToSocket(await options.apiSocket(), request, response);
  if (path === '/healthz') return write(response, jsonReply(200, { status: 'ok' }), request);
  if (path === '/') return write(response, jsonReply(200, index(options)), request);
  throw new RouteNotFound(path);
}

/** A client that leaves while the function runs changes nothing: the function finishes what it began. */
async function callFunction(
  { functions, port }: GatewayOptions,
  functionName: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!functions.functionNames.includes(functionName))
    throw new FunctionNotFound(functionName, functions.functionNames);
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === undefined) return;
  const event = toHttpEvent({
    request,
    body,
    port,
    routeKey: `ANY /api/v1/functions/${functionName}`,
    requestId: randomUUID(),
    now: Date.now(),
  });
  const repeatable = request.method === 'GET' || REPEATABLE.includes(functionName);
  const reply = toHttpReply(functionName, await functions.invoke(functionName, event, { repeatable }));
  write(response, reply, request);
}

function write(
  response: ServerResponse,
  { statusCode, headers, body }: HttpReply,
  request: IncomingMessage,
): void {
  const hasBody = statusCode !== 204 && statusCode !== 304;
  const missing = missingSecurityHeaders(headers.map(([name]) => name));
  const length: HttpReply['headers'] = hasBody ? [['content-length', String(body.length)]] : [];
  response.writeHead(statusCode, [...headers, ...missing, ...length].flat());
  response.end(hasBody && request.method !== 'HEAD' ? body : undefined);
}

/** The reply after which the connection is not used again. */
function closing(reply: HttpReply): HttpReply {
  return { ...reply, headers: [...reply.headers, ['connection', 'close']] };
}

function index({ host, port, functions }: GatewayOptions) {
  const url = loopbackUrl(host, port);
  return {
    name: 'modelfn',
    api: `${url}/api/v1`,
    health: `${url}/healthz`,
    functions: Object.fromEntries(
      functions.functionNames.map((functionName) => [
        functionName,
        `${url}/api/v1/functions/${functionName}`,
      ]),
    ),
  };
}
