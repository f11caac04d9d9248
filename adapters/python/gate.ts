import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod/mini';
import { type ModelfnError, toErrorBody } from '../../shared/errors.ts';
import type { RunApi } from '../built-in-adapters.ts';
import { NoRunToAsk, TokenRefused } from './errors.ts';

/** How long a token is good; it is renewed with the refresh token, which ends with the gate. */
const TOKEN_SECONDS = 3600;
const MAX_REFRESH_BYTES = 4096;

/**
 * Requests that the SDK sends from threads of its own when it is imported, so that they may arrive between two runs. Their answers
 * depend on no run.
 */
const CHORES: Readonly<Record<string, object>> = {
  '/api/v1/sdk/check': { level: 'debug', msg: 'modelfn' },
  '/api/v1/settings/resolve': [],
};

/** What a process needs to pass the gate. */
export interface GateKeys {
  /** Address of the API, without a slash at the end. */
  url: string;
  /** Where tokens are renewed: `POST <origin>/token`. */
  origin: string;
  email: string;
  token: string;
  refreshToken: string;
}

const refreshSchema = z.object({ type: z.literal('refresh_token'), refresh_token: z.string() });

/**
 * The entity API for one process of an adapter, on a port of the loopback that lives as long as the process. It is let
 * through to the run that the process works for just now, and to nothing between two runs. Its tokens are good for this gate
 * alone: nothing of modelfn's own credentials is in them.
 */
export class Gate {
  readonly #key = randomBytes(32);
  readonly #refreshToken = randomBytes(32).toString('base64url');
  readonly #server: Server;
  readonly #current: () => RunApi | undefined;
  readonly #now: () => number;
  #email = '';

  /** `current`: the API of the run that the process serves; `now` in milliseconds. */
  constructor(current: () => RunApi | undefined, now: () => number = Date.now) {
    this.#current = current;
    this.#now = now;
    this.#server = createServer((request, response) => this.#answer(request, response));
    // Uploads take as long as they take.
    this.#server.requestTimeout = 0;
    this.#server.unref();
  }

  /** Begins to listen. */
  async open(email: string): Promise<GateKeys> {
    this.#email = email;
    if (!this.#server.listening) {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    }
    const { port } = this.#server.address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    return { url: `${origin}/api/v1`, origin, email, token: this.#token(), refreshToken: this.#refreshToken };
  }

  /** Closes the port and cuts what is under way. May be called twice. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (request.method === 'POST' && path === '/token') return void this.#renew(request, response);
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
    const isLetIn = scheme?.toLowerCase() === 'bearer' && this.#isGood(token);
    const api = isLetIn ? this.#current() : undefined;
    if (api) api.answer(request, response);
    else if (isLetIn && request.method === 'POST' && Object.hasOwn(CHORES, path))
      response
        .writeHead(200, { 'content-type': 'application/json', connection: 'close' })
        .end(JSON.stringify(CHORES[path]));
    else refuse(response, isLetIn ? new NoRunToAsk() : new TokenRefused());
  }

  async #renew(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.byteLength;
        if (bytes > MAX_REFRESH_BYTES) throw new Error('too large');
        chunks.push(chunk);
      }
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      const { refresh_token: given } = z.parse(refreshSchema, body);
      if (!isSame(given, this.#refreshToken)) throw new Error('another one');
    } catch {
      refuse(response, new TokenRefused());
      return;
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ id_token: this.#token() }));
  }

  /** A JWT, as the SDK reads `exp` and `email` from it. */
  #token(): string {
    const exp = Math.floor(this.#now() / 1000) + TOKEN_SECONDS;
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ email: this.#email, exp })}`;
    return `${text}.${this.#sign(text)}`;
  }

  #isGood(token: string): boolean {
    const cut = token.lastIndexOf('.');
    const text = token.slice(0, Math.max(0, cut));
    if (cut < 0 || !isSame(token.slice(cut + 1), this.#sign(text))) return false;
    // Signed by this gate: the claims are its own.
    const { exp } = JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()) as { exp: number };
    return exp * 1000 > this.#now();
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

function encode(claims: object): string {
  return Buffer.from(JSON.stringify(claims)).toString('base64url');
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** In the form of the API's own errors; the connection is closed, as the body may not have been read. */
function refuse(response: ServerResponse, error: ModelfnError): void {
  const body = toErrorBody(error);
  response
    .writeHead(body.statusCode, { 'content-type': 'application/json', connection: 'close' })
    .end(JSON.stringify(body));
}
