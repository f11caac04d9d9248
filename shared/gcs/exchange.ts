import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { messageOf } from '../errors.ts';
import type { GcsConnection } from './connection.ts';
import { ConnectionFailure } from './failures.ts';
import type { Pace, Watch } from './pace.ts';

/** One request, whole in memory, so that it can be sent again. */
export interface Question {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query; the origin is the connection's. */
  target: string;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  signal?: AbortSignal | undefined;
}

/** Its answer: the head is there, the body comes as it is read. Either read it or discard it: both free the socket. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: AsyncIterable<Uint8Array>;
  discard(): void;
}

const SLICE_BYTES = 1 << 20;
/** A page of a thousand objects is some hundred kilobytes. */
const MAX_TEXT_BYTES = 16 << 20;

/**
 * Sends one request and waits for the head of its answer, once, whatever the status; credentials that were refused are
 * renewed and shown again. Google's client is not used for this: its request holds no signal, its failed reads destroy
 * the agent that all transfers share, and its retry switch is one flag for all calls of a process.
 * @throws ConnectionFailure, CredentialsFailure, or the signal's reason
 */
export async function exchange(connection: GcsConnection, pace: Pace, question: Question): Promise<Answer> {
  const first = await attempt(connection, pace, question);
  if (first.status !== 401 || connection.isAnonymous) return first;
  await readText(first);
  await connection.renew();
  return attempt(connection, pace, question);
}

async function attempt(connection: GcsConnection, pace: Pace, question: Question): Promise<Answer> {
  const { signal } = question;
  signal?.throwIfAborted();
  const authorization = await orAborted(authorizeInTime(connection, pace), signal);
  return new Promise((resolve, reject) => {
    const { method, target, headers, body } = question;
    const url = new URL(target, connection.origin);
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      agent: connection.agent,
      headers: {
        // Without this, objects stored compressed are unpacked on the way and no longer match size and checksums.
        'accept-encoding': 'gzip',
        'user-agent': 'modelfn',
        ...(body || method !== 'GET' ? { 'content-length': String(body?.byteLength ?? 0) } : {}),
        ...headers,
        ...authorization,
      },
      ...(signal && { signal }),
    });
    const watch = pace.watch(pace.idleMs, () => request.destroy(silence(pace)));
    const fail = (error: unknown) => {
      watch.stop();
      reject(signal?.aborted ? signal.reason : connectionFailure(error));
    };
    watch.touch();
    request.on('error', fail);
    request.on('response', (response) => {
      watch.rest();
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: bodyOf(response, watch, signal, () => {
          // Who answers before it heard all will not read the rest: that socket is of no more use.
          if (!response.complete || !request.writableFinished) request.destroy();
        }),
        discard: () => {
          watch.stop();
          request.destroy();
        },
      });
    });
    const pour = (from: number) => {
      for (let at = from; at < (body?.byteLength ?? 0); ) {
        const end = at + SLICE_BYTES;
        if (!request.write(body?.subarray(at, end))) {
          request.once('drain', () => {
            watch.touch();
            pour(end);
          });
          return;
        }
        at = end;
      }
      request.end();
    };
    pour(0);
  });
}

async function* bodyOf(
  response: IncomingMessage,
  watch: Watch,
  signal: AbortSignal | undefined,
  release: () => void,
): AsyncGenerator<Uint8Array> {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (;;) {
      watch.touch();
      const step = await chunks.next();
      watch.rest();
      if (step.done === true) return;
      yield step.value;
    }
  } catch (error) {
    throw signal?.aborted ? signal.reason : connectionFailure(error);
  } finally {
    watch.stop();
    release();
  }
}

async function authorizeInTime(
  connection: GcsConnection,
  pace: Pace,
): Promise<Readonly<Record<string, string>>> {
  if (connection.isAnonymous) return {};
  const silent = Promise.withResolvers<never>();
  const watch = pace.watch(pace.idleMs, () => silent.reject(silence(pace)));
  watch.touch();
  try {
    return await Promise.race([connection.authorize(), silent.promise]);
  } finally {
    watch.stop();
  }
}

/** The start of an answer as text; the rest is dropped. */
export async function readText({ body }: Answer, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString();
}

/** The promise, or the signal's reason as soon as it is aborted. What comes of the promise later is dropped. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  work.catch(() => {});
  if (signal.aborted) throw signal.reason;
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function silence({ idleMs }: Pace): ConnectionFailure {
  return new ConnectionFailure(`nothing came for ${idleMs / 1000} seconds`);
}

function connectionFailure(error: unknown): ConnectionFailure {
  return error instanceof ConnectionFailure
    ? error
    : new ConnectionFailure(`the connection broke: ${messageOf(error)}`, error);
}
