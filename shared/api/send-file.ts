import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { SentFile } from '../catalog/sent-file.ts';

/**
 * Sends the bytes of an item or of an annotation. The first chunk is read before the headers go out, so that a missing content is an error
 * of its own. Uploaded pages and drawings must not run in the API's name: they are sent without rights.
 */
export async function sendFile(
  request: Request,
  response: Response,
  { name, mimetype, content, bytes }: SentFile,
): Promise<void> {
  response.set({
    ETag: `"${content.sha256}"`,
    'Cache-Control': 'private, no-cache',
    'Content-Security-Policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    'X-Content-Type-Options': 'nosniff',
  });
  if (request.fresh) return void response.status(304).end();
  const chunks = bytes[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    // Past Express, which would add a charset that nobody knows.
    response.setHeader('Content-Type', contentType(mimetype));
    response.set({
      'Content-Length': String(content.sizeBytes),
      'Content-Disposition': `inline; filename*=UTF-8''${encodeName(name)}`,
    });
    await pipeline(Readable.from(from(first, chunks), { objectMode: false }), response);
  } finally {
    await chunks.return?.();
  }
}

async function* from(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let step = first; !step.done; step = await rest.next()) yield step.value;
}

function contentType(mimetype: string | undefined): string {
  return mimetype !== undefined && /^[\w.+-]+\/[\w.+-]+$/.test(mimetype)
    ? mimetype
    : 'application/octet-stream';
}

/** RFC 8187, section 3.2.1: what `encodeURIComponent` leaves and the grammar does not allow. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
