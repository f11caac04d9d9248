import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isModelfnError } from '../errors.ts';
import {
  failureOf,
  GitAccessDenied,
  GitHostNotAllowed,
  GitProtocolError,
  GitRedirectRefused,
  GitRepositoryNotFound,
  GitUnavailable,
  NOT_PUBLIC,
  shown,
} from './errors.ts';
import { PacketReader } from './packet-line.ts';
import { NotPublic } from './public-address.ts';
import type { PackFile } from './remote.ts';
import type { ConnectGit, GitConnection, GitService } from './wire-remote.ts';

/** A name and a password for HTTP's basic scheme. */
export interface GitCredentials {
  username: string;
  password: string;
}

export interface HttpOptions {
  /** Without user and password; `http:` or `https:`. */
  url: string;
  credentials: GitCredentials | undefined;
  /** Without a byte from the server. */
  idleMs: number;
  /** Resolver of host names; the system's when missing. */
  lookup?: LookupFunction | undefined;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Git's services over HTTP (gitprotocol-http.txt). Redirects of the first request are followed inside its origin, as
 * git itself does; the credentials go to no other place and into no error.
 */
export function connectHttp(options: HttpOptions): ConnectGit {
  return async (service, signal) => {
    const { answer, base } = await greet(options, service, signal);
    return new HttpConnection({ ...options, url: base }, service, answer, signal);
  };
}

class HttpConnection implements GitConnection {
  readonly greeting: PacketReader;
  readonly #options: HttpOptions;
  readonly #service: GitService;
  readonly #signal: AbortSignal | undefined;
  readonly #answers: IncomingMessage[];

  constructor(
    options: HttpOptions,
    service: GitService,
    answer: IncomingMessage,
    signal: AbortSignal | undefined,
  ) {
    this.#options = options;
    this.#service = service;
    this.#signal = signal;
    this.#answers = [answer];
    this.greeting = new PacketReader(bytesOf(answer, options.url, signal), options.url);
  }

  async request(body: PackFile): Promise<PacketReader> {
    const { url } = this.#options;
    const answer = await ask(this.#options, {
      method: 'POST',
      url: `${url}/${this.#service}`,
      headers: {
        'content-type': `application/x-${this.#service}-request`,
        accept: `application/x-${this.#service}-result`,
        'content-length': body.sizeBytes,
      },
      body,
      signal: this.#signal,
    });
    this.#answers.push(answer);
    checkStatus(answer, this.#options);
    checkType(answer, `application/x-${this.#service}-result`);
    return new PacketReader(bytesOf(answer, url, this.#signal), url);
  }

  async close(): Promise<void> {
    for (const answer of this.#answers) answer.destroy();
  }
}

/** Asks for the list of refs; `base` is where the repository was found to be. */
async function greet(
  options: HttpOptions,
  service: GitService,
  signal: AbortSignal | undefined,
): Promise<{ answer: IncomingMessage; base: string }> {
  const tail = `/info/refs?service=${service}`;
  let url = `${options.url}${tail}`;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(options, { method: 'GET', url, headers: { accept: '*/*' }, signal });
    try {
      const target = redirectOf(answer, url);
      if (target === undefined) {
        checkStatus(answer, options);
        checkType(answer, `application/x-${service}-advertisement`);
        return { answer, base: url.slice(0, -tail.length) };
      }
      if (redirects === MAX_REDIRECTS || target.origin !== new URL(url).origin || !target.href.endsWith(tail))
        throw new GitRedirectRefused(options.url, shown(`${target.origin}${target.pathname}`));
      url = `${target.origin}${target.pathname}${target.search}`;
    } catch (error) {
      answer.destroy();
      throw error;
    }
    answer.destroy();
  }
}

interface Question {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string | number>;
  body?: PackFile;
  signal: AbortSignal | undefined;
}

/** Sends one request and answers when the head of the reply is there. Redirects are not followed. */
async function ask(
  { url: shownUrl, credentials, idleMs, lookup }: HttpOptions,
  { method, url, headers, body, signal }: Question,
): Promise<IncomingMessage> {
  signal?.throwIfAborted();
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const request = send(url, {
    method,
    agent: false,
    headers: { ...headers, 'user-agent': 'git/modelfn', ...(credentials && authorization(credentials)) },
    ...(signal && { signal }),
    ...(lookup && { lookup }),
  });
  request.setTimeout(idleMs, () => request.destroy(new Error(`no answer for ${idleMs} ms`)));
  try {
    const answered = headOf(request);
    // A server may answer, and close, before it has read all of a body it does not want.
    const sent = body ? pipeline(Readable.from(body.chunks()), request) : Promise.resolve(request.end());
    const failedToSend = sent.then(
      () => new Promise<never>(() => {}),
      (error: unknown) => Promise.reject(error),
    );
    failedToSend.catch(() => {});
    return await Promise.race([answered, failedToSend]);
  } catch (error) {
    request.destroy();
    throw failure(error, shownUrl, signal);
  }
}

function headOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
  });
}

async function* bytesOf(
  answer: IncomingMessage,
  url: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Uint8Array;
  } catch (error) {
    throw failure(error, url, signal);
  }
}

function failure(error: unknown, url: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof NotPublic) return new GitHostNotAllowed(new URL(url).origin, NOT_PUBLIC);
  return isModelfnError(error) ? error : new GitUnavailable(url, failureOf(error), error);
}

function checkStatus({ statusCode = 0 }: IncomingMessage, { url, credentials }: HttpOptions): void {
  if (statusCode === 200) return;
  const detail = `HTTP status ${statusCode}`;
  if (statusCode === 401 || statusCode === 403 || statusCode === 407)
    throw new GitAccessDenied(url, credentials !== undefined, detail);
  if (statusCode === 404 || statusCode === 410) throw new GitRepositoryNotFound(url, detail);
  if (statusCode === 429 || statusCode >= 500) throw new GitUnavailable(url, detail);
  throw new GitProtocolError(detail);
}

function checkType(answer: IncomingMessage, expected: string): void {
  const found = answer.headers['content-type']?.split(';')[0]?.trim();
  if (found !== expected)
    throw new GitProtocolError(`it is ${shown(found ?? 'of no type')}, git's smart protocol was expected`);
}

function redirectOf({ statusCode, headers }: IncomingMessage, url: string): URL | undefined {
  if (!REDIRECTS.includes(statusCode ?? 0)) return undefined;
  if (headers.location === undefined || !URL.canParse(headers.location, url))
    throw new GitProtocolError('it redirects to nowhere');
  return new URL(headers.location, url);
}

function authorization({ username, password }: GitCredentials): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
