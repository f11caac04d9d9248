import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KeptBucket, type KeptObject, Refusal, resourceOf } from './gcs-objects.ts';

/** What a request is for. */
export type GcsCall =
  | 'bucket'
  | 'list'
  | 'stat'
  | 'read'
  | 'upload'
  | 'open session'
  | 'piece'
  | 'ask state'
  | 'cancel'
  | 'delete'
  | 'copy'
  | 'compose';

export interface GcsRequest {
  call: GcsCall;
  /** The object's name, or the bucket's. */
  name: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** 1 for the server's first request. */
  number: number;
}

/** What the server does instead of, or besides, what it is asked. */
export type Fault =
  | { kind: 'pass' }
  /** Answers this and applies nothing. */
  | {
      kind: 'status';
      status: number;
      reason?: string;
      message?: string;
      retryAfterSeconds?: number;
      headers?: Record<string, string>;
    }
  /** Breaks the connection: before the request is applied, or after, its answer unsent. */
  | { kind: 'reset'; when: 'before' | 'after' }
  /** Breaks the connection, and applies the request only when this many more have come. */
  | { kind: 'late'; requests: number }
  /** Sends this share of the answer's body, then breaks the connection. */
  | { kind: 'truncate'; share: number }
  /** Applies, sends this share of the answer's body and then nothing until the client gives up. */
  | { kind: 'stall'; share: number }
  /** Ignores the range of a read: answers 200 with the whole object. */
  | { kind: 'whole' }
  /** Answers rightly, with these headers instead of its own. */
  | { kind: 'headers'; headers: Record<string, string> }
  /** Forgets all upload sessions, then does what it is asked. */
  | { kind: 'lose sessions' }
  /** Flips a bit of the bytes that come (uploads) or go (reads). */
  | { kind: 'corrupt' }
  /** Answers rightly once the promise is fulfilled. */
  | { kind: 'hold'; until: Promise<void> };

export interface GcsServer {
  /** Such as `http://127.0.0.1:41234`: both an `apiEndpoint` and a `STORAGE_EMULATOR_HOST`. */
  readonly origin: string;
  readonly buckets: Map<string, KeptBucket>;
  /** All requests so far. */
  readonly requests: readonly GcsRequest[];
  /** Called for every request. */
  decide: (request: GcsRequest) => Fault;
  /** Called when an answer begins to stall: the client waits for nothing now. */
  onStall: () => void;
  /** Refuses, with 401, requests without this bearer token; `undefined` asks for none. */
  token: string | undefined;
  /** Connections that are open. */
  readonly openSockets: number;
  /** Applies what is still to come late. */
  settle(): void;
  close(): Promise<void>;
}

/** An upload session, and the object it made when it is complete. */
interface Session {
  bucket: KeptBucket;
  resource: { name: string; contentType?: string; metadata?: Record<string, string> };
  ifGenerationMatch: string | null;
  chunks: Buffer[];
  held: number;
  stored: KeptObject | undefined;
}

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer;
}

const PASS: Fault = { kind: 'pass' };

/**
 * The part of Cloud Storage's JSON API that objects need, in memory, on a port of its own. Paths: `/storage/v1/b/...` as
 * Google's client asks with an `apiEndpoint`, `/b/...` as it does with `STORAGE_EMULATOR_HOST`, `/upload/storage/v1/b/...`.
 * Buckets are made by `POST .../b` or by adding them to `buckets`.
 */
export async function startGcsServer(...bucketNames: string[]): Promise<GcsServer> {
  const sockets = new Set<Socket>();
  const sessions = new Map<string, Session>();
  const requests: GcsRequest[] = [];
  const late: { at: number; apply: () => void }[] = [];
  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: GcsServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    buckets: new Map(bucketNames.map((name) => [name, new KeptBucket(name)])),
    requests,
    decide: () => PASS,
    onStall: () => {},
    token: undefined,
    get openSockets() {
      return sockets.size;
    },
    settle: () => {
      for (const { apply } of late.splice(0)) apply();
    },
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return server;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = describe(request, requests.length + 1);
    requests.push(asked);
    const due = late.filter(({ at }) => at <= asked.number);
    for (const item of due) {
      late.splice(late.indexOf(item), 1);
      item.apply();
    }
    const fault = server.decide(asked);
    if (fault.kind === 'reset' && fault.when === 'before') return void request.socket.destroy();
    const body = await bodyOf(request);
    if (body === undefined) return;
    if (fault.kind === 'hold') await fault.until;
    // The last byte of the content, or one in the middle where there is nothing around it.
    if (fault.kind === 'corrupt')
      corrupt(body, asked.call === 'upload' ? body.lastIndexOf('\r\n--') - 1 : undefined);
    const work = (): Reply => {
      try {
        if (fault.kind === 'status') throw refusalOf(fault);
        if (server.token !== undefined && request.headers.authorization !== `Bearer ${server.token}`)
          throw new Refusal(401, 'authError', 'Invalid Credentials');
        if (fault.kind === 'lose sessions') sessions.clear();
        const headers = fault.kind === 'whole' ? { ...asked.headers, range: undefined } : asked.headers;
        const reply = apply(server, sessions, { ...asked, headers }, request, body);
        return fault.kind === 'headers'
          ? { ...reply, headers: { ...reply.headers, ...fault.headers } }
          : reply;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return errorReply(error, fault);
      }
    };
    if (fault.kind === 'late') {
      late.push({ at: asked.number + fault.requests, apply: work });
      return void request.socket.destroy();
    }
    const reply = work();
    if (fault.kind === 'reset') return void request.socket.destroy();
    send(response, reply, fault.kind === 'corrupt' && asked.call !== 'read' ? PASS : fault, server.onStall);
  }
}

function describe(request: IncomingMessage, number: number): GcsRequest {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://any');
  const isUpload = pathname.startsWith('/upload/');
  const [, bucket = '', rest] = /\/b(?:\/([^/]+)(?:\/o(?:\/(.+))?)?)?$/.exec(pathname) ?? [];
  const name = decodeURIComponent(rest ?? query.get('name') ?? bucket);
  const call = callOf(request, { pathname, query, isUpload, hasName: rest !== undefined });
  return { call, name, query, headers: request.headers, number };
}

function callOf(
  { method, headers }: IncomingMessage,
  target: { pathname: string; query: URLSearchParams; isUpload: boolean; hasName: boolean },
): GcsCall {
  const { pathname, query, isUpload, hasName } = target;
  if (isUpload && query.has('upload_id')) {
    if (method === 'DELETE') return 'cancel';
    return /^bytes \*\//.test(headers['content-range'] ?? '') && headers['content-length'] === '0'
      ? 'ask state'
      : 'piece';
  }
  if (isUpload) return query.get('uploadType') === 'resumable' ? 'open session' : 'upload';
  if (pathname.includes('/rewriteTo/') || pathname.includes('/copyTo/')) return 'copy';
  if (pathname.endsWith('/compose')) return 'compose';
  if (method === 'DELETE') return 'delete';
  if (hasName) return query.get('alt') === 'media' ? 'read' : 'stat';
  return pathname.endsWith('/o') ? 'list' : 'bucket';
}

function apply(
  server: GcsServer,
  sessions: Map<string, Session>,
  { call, name, query, headers }: GcsRequest,
  request: IncomingMessage,
  body: Buffer,
): Reply {
  if (call === 'piece' || call === 'ask state' || call === 'cancel')
    return applyToSession(sessions, call, query.get('upload_id') ?? '', headers, body);
  if (call === 'bucket') return applyToBuckets(server, request, body);
  const bucket = bucketOf(server, request.url ?? '');
  const ifGenerationMatch = query.get('ifGenerationMatch');
  switch (call) {
    case 'list':
      return json(bucket.list(query));
    case 'stat':
      return json(resourceOf(bucket.name, bucket.find(name, query.get('generation'))));
    case 'read':
      return readReply(bucket.find(name, query.get('generation')), headers.range);
    case 'delete':
      bucket.delete(name, ifGenerationMatch);
      return { status: 204 };
    case 'upload': {
      const { resource, bytes } =
        query.get('uploadType') === 'media'
          ? { resource: {}, bytes: body }
          : parseMultipart(headers['content-type'] ?? '', body);
      return json(resourceOf(bucket.name, bucket.put({ name, ...resource, bytes }, ifGenerationMatch)));
    }
    case 'open session': {
      bucket.check(name, ifGenerationMatch);
      const id = randomUUID();
      const resource = { ...JSON.parse(body.toString() || '{}'), name };
      sessions.set(id, { bucket, resource, ifGenerationMatch, chunks: [], held: 0, stored: undefined });
      const location = `${server.origin}/upload/storage/v1/b/${bucket.name}/o?uploadType=resumable&upload_id=${id}`;
      return { status: 200, headers: { location } };
    }
    case 'copy':
      return copy(server, bucket, request.url ?? '', query.get('ifGenerationMatch'));
    case 'compose':
      return compose(bucket, request.url ?? '', ifGenerationMatch, body);
  }
}

function applyToBuckets(server: GcsServer, request: IncomingMessage, body: Buffer): Reply {
  if (request.method !== 'POST')
    return json({ kind: 'storage#bucket', name: bucketOf(server, request.url ?? '').name });
  const { name } = JSON.parse(body.toString()) as { name: string };
  if (server.buckets.has(name))
    throw new Refusal(409, 'conflict', 'Your previous request to create it succeeded.');
  server.buckets.set(name, new KeptBucket(name));
  return json({ kind: 'storage#bucket', name });
}

function applyToSession(
  sessions: Map<string, Session>,
  call: 'piece' | 'ask state' | 'cancel',
  id: string,
  headers: IncomingMessage['headers'],
  body: Buffer,
): Reply {
  const session = sessions.get(id);
  if (!session) throw new Refusal(404, 'notFound', 'The upload session is not there.');
  if (call === 'cancel') {
    sessions.delete(id);
    return { status: 499 };
  }
  const { bucket, resource, ifGenerationMatch } = session;
  if (session.stored) return json(resourceOf(bucket.name, session.stored));
  const range = headers['content-range'] ?? 'bytes 0-*/*';
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(range) ?? [];
  if (call === 'piece' && first !== undefined && Number(first) !== session.held)
    throw new Refusal(400, 'invalid', `The bytes start at ${first}, the session holds ${session.held}`);
  session.chunks.push(body);
  session.held += body.byteLength;
  // An end "*" is that of this very request.
  if (last !== '*' && Number(total) !== session.held)
    return { status: 308, headers: session.held === 0 ? {} : { range: `bytes=0-${session.held - 1}` } };
  const hashes = headers['x-goog-hash']?.toString() ?? '';
  const crc32c = /crc32c=([^,]+)/.exec(hashes)?.[1];
  const md5Hash = /md5=([^,]+)/.exec(hashes)?.[1];
  session.stored = bucket.put(
    {
      ...resource,
      bytes: Buffer.concat(session.chunks),
      ...(crc32c && { crc32c }),
      ...(md5Hash && { md5Hash }),
    },
    ifGenerationMatch,
  );
  session.chunks = [];
  return json(resourceOf(bucket.name, session.stored));
}

function copy(server: GcsServer, from: KeptBucket, url: string, ifGenerationMatch: string | null): Reply {
  const [, source = '', target = '', name = ''] =
    /\/o\/([^/]+)\/(?:rewriteTo|copyTo)\/b\/([^/]+)\/o\/([^/?]+)/.exec(url) ?? [];
  const object = from.find(decodeURIComponent(source));
  const to = server.buckets.get(target);
  if (!to) throw new Refusal(404, 'notFound', 'The specified bucket does not exist.');
  const resource = resourceOf(
    target,
    to.put({ ...object, name: decodeURIComponent(name) }, ifGenerationMatch),
  );
  const size = String(object.bytes.byteLength);
  return json({
    kind: 'storage#rewriteResponse',
    done: true,
    objectSize: size,
    totalBytesRewritten: size,
    resource,
  });
}

function compose(bucket: KeptBucket, url: string, ifGenerationMatch: string | null, body: Buffer): Reply {
  const [, name = ''] = /\/o\/([^/]+)\/compose/.exec(url) ?? [];
  const { sourceObjects } = JSON.parse(body.toString()) as { sourceObjects: { name: string }[] };
  const bytes = Buffer.concat(sourceObjects.map((source) => bucket.find(source.name).bytes));
  return json(
    resourceOf(bucket.name, bucket.put({ name: decodeURIComponent(name), bytes }, ifGenerationMatch)),
  );
}

function bucketOf(server: GcsServer, url: string): KeptBucket {
  const [, name = ''] = /\/b\/([^/?]+)/.exec(url) ?? [];
  const bucket = server.buckets.get(name);
  if (!bucket) throw new Refusal(404, 'notFound', 'The specified bucket does not exist.');
  return bucket;
}

function readReply(object: KeptObject, range: string | undefined): Reply {
  const { bytes, generation, crc32c, md5Hash, contentType } = object;
  const headers = {
    'content-type': contentType,
    'x-goog-generation': generation,
    'x-goog-metageneration': '1',
    'x-goog-hash': `crc32c=${crc32c},md5=${md5Hash}`,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(bytes.byteLength),
  };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined) return { status: 200, headers, body: bytes };
  const start = Number(first);
  if (start >= bytes.byteLength)
    throw new Refusal(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable');
  const end = last === '' ? bytes.byteLength : Math.min(Number(last) + 1, bytes.byteLength);
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${bytes.byteLength}` },
    body: bytes.subarray(start, end),
  };
}

function parseMultipart(contentType: string, body: Buffer): { resource: object; bytes: Buffer } {
  const [, boundary = ''] = /boundary="?([^";]+)"?/.exec(contentType) ?? [];
  const first = body.indexOf('\r\n\r\n');
  const second = body.indexOf(`\r\n--${boundary}`, first);
  const start = body.indexOf('\r\n\r\n', second) + 4;
  const end = body.lastIndexOf(`\r\n--${boundary}--`);
  if (boundary === '' || first === -1 || second === -1 || start < 4 || end < start)
    throw new Refusal(400, 'invalid', 'Malformed multipart body.');
  return {
    resource: JSON.parse(body.subarray(first + 4, second).toString()) as object,
    bytes: Buffer.from(body.subarray(start, end)),
  };
}

/** The whole body; `undefined` when the client went away before its end. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, reply: Reply, fault: Fault, onStall: () => void): void {
  const body =
    fault.kind === 'corrupt' ? corrupt(Buffer.from(reply.body ?? '')) : (reply.body ?? Buffer.alloc(0));
  const isEmpty = reply.status === 204;
  response.writeHead(reply.status, {
    ...reply.headers,
    ...(!isEmpty && { 'content-length': String(body.byteLength) }),
  });
  if (fault.kind !== 'truncate' && fault.kind !== 'stall')
    return void response.end(isEmpty ? undefined : body);
  const part = body.subarray(0, Math.floor(body.byteLength * fault.share));
  response.flushHeaders();
  const then = () => (fault.kind === 'stall' ? onStall() : response.destroy());
  // Flushed before the end: a destroyed socket would take back what it has not sent.
  if (part.byteLength === 0) setImmediate(then);
  else response.write(part, () => setImmediate(then));
}

function corrupt(bytes: Buffer, at = Math.floor(bytes.byteLength / 2)): Buffer {
  if (bytes.byteLength > 0) bytes[at] = bytes[at]! ^ 1;
  return bytes;
}

function refusalOf({
  status,
  reason = 'backendError',
  message = 'Backend Error',
}: Fault & { kind: 'status' }): Refusal {
  return new Refusal(status, reason, message);
}

function errorReply({ status, reason, message }: Refusal, fault: Fault): Reply {
  const body = { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
  const seconds = fault.kind === 'status' ? fault.retryAfterSeconds : undefined;
  return {
    ...json(body),
    status,
    headers: {
      ...JSON_HEADERS,
      ...(seconds && { 'retry-after': String(seconds) }),
      ...(fault.kind === 'status' && fault.headers),
    },
  };
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=UTF-8' };

function json(value: unknown): Reply {
  return { status: 200, headers: JSON_HEADERS, body: Buffer.from(JSON.stringify(value)) };
}
