/**
 * A process that keeps objects in memory and serves them over HTTP: PUT, GET with `Range`, HEAD, DELETE, and a list of
 * keys with sizes. As fast as Node's server is, so that what is measured is the other side.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const objects = new Map<string, Buffer>();

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    response.writeHead(500).end(String(error));
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const key = decodeURIComponent(request.url!.slice(1));
  if (request.method === 'PUT') {
    objects.set(key, await bodyOf(request));
    response.writeHead(200).end();
    return;
  }
  if (request.method === 'DELETE') objects.delete(key);
  if (key === '') {
    const list = [...objects].map(([name, { byteLength }]) => ({ name, sizeBytes: byteLength }));
    response.writeHead(200).end(JSON.stringify(list));
    return;
  }
  const bytes = objects.get(key);
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Math.min(bytes.byteLength, Number(from ?? 0));
  const end = to === undefined || to === '' ? bytes.byteLength : Math.min(bytes.byteLength, Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, { 'content-length': end - start });
  response.end(request.method === 'HEAD' ? undefined : bytes.subarray(start, end));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
