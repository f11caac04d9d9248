import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { SentFile } from '../catalog/sent-file.ts';

/**
 * Sends the bytes of an item or of an annotation. The first chunk is read before the headers go out, so that a missing content is an error
 * of its own. Uploaded pages and drawings must not run in the API's name: they are sent without rights, and as a download unless their type is
 * one that browsers only show.
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
  });
  if (request.fresh) return void response.status(304).end();
  const chunks = bytes[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    // Past Express, which would add a charset that nobody knows.
    response.setHeader('Content-Type', contentType(mimetype));
    response.set({
      'Content-Length': String(content.sizeBytes),
      'Content-Disposition': `${dispositionOf(mimetype)}; filename*=UTF-8''${encodeName(name)}`,
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

/** Types that a browser shows without running anything in them. HTML, SVG, XML, PDF and unknown types are not among them. */
const SHOWN =
  /^(image\/(png|jpeg|gif|webp|avif|bmp|tiff|x-icon)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/(plain|csv)|application\/json)$/i;

function dispositionOf(mimetype: string | undefined): 'inline' | 'attachment' {
  return SHOWN.test(contentType(mimetype)) ? 'inline' : 'attachment';
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
