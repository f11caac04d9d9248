import type { IncomingMessage } from 'node:http';
import { BodyTooLarge } from './errors.ts';

/**
 * The whole body of a request. One that is too large is refused at once and read to its end without being kept, so
 * that the client gets to see the answer.
 * @throws BodyTooLarge, or `undefined` when the client went away
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return refuse(request, maxBytes);
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= maxBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(new BodyTooLarge(maxBytes));
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

function refuse(request: IncomingMessage, maxBytes: number): never {
  request.resume();
  throw new BodyTooLarge(maxBytes);
}
