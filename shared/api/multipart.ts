import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import type { Request } from 'express';
import { InvalidInput, ModelfnError } from '../errors.ts';
import { UnsupportedEncoding } from '../http/errors.ts';

const MAX_FIELD_BYTES = 4 * 1024 * 1024;

/** The fields that came before the file, and the file as it arrives. */
export interface FilePart {
  fields: ReadonlyMap<string, string>;
  bytes: AsyncIterable<Uint8Array>;
  filename: string;
  mimetype: string;
}

/** An upload whose connection broke, or whose parts ended in the middle. Nothing of it was kept. */
export class UploadInterrupted extends ModelfnError {
  override readonly name = 'UploadInterrupted';
  readonly code = 'UploadInterrupted';
  readonly statusCode = 400;
  override readonly retryable = true;
  constructor(cause?: unknown) {
    super('The upload ended before the file was complete; nothing of it was kept. Send it again.', { cause });
  }
}

/**
 * Hands the one file of a multipart body to `receive` while it arrives: nothing is held in memory. Answers what
 * `receive` answers, which may leave the file unread. @throws InvalidInput, UnsupportedEncoding, UploadInterrupted, and what `receive` throws
 */
export function receiveFilePart<T>(request: Request, receive: (part: FilePart) => Promise<T>): Promise<T> {
  assertPlain(request);
  return new Promise((resolve, reject) => {
    const parser = openParser(request);
    const fields = new Map<string, string>();
    let file: BusboyFileStream | undefined;

    // The rest of the body is read and dropped, so that the connection can be used again.
    const settle = (done: () => void): void => {
      request.unpipe(parser);
      request.off('close', onClose);
      request.resume();
      file?.resume();
      done();
    };
    const fail = (error: unknown): void => {
      file?.destroy(new UploadInterrupted(error));
      settle(() => reject(error));
    };
    const interrupt = (cause: unknown): void => fail(new UploadInterrupted(cause));
    const onClose = (): void => {
      if (!request.complete) interrupt(undefined);
    };

    request.once('close', onClose);
    parser.on('error', interrupt);
    parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
      if (valueTruncated) fail(tooLong(name));
      else fields.set(name, value);
    });
    parser.on('file', (_field, stream, filename, _encoding, mimetype) => {
      if (file) return void stream.resume();
      file = stream;
      // Also keeps a stream that nobody reads from bringing the process down.
      let broken: unknown;
      stream.on('error', (error) => {
        broken = error;
      });
      const part = { fields: new Map(fields), bytes: stream, filename: filename ?? '', mimetype };
      receive(part).then(
        (result) => settle(() => resolve(result)),
        (error: unknown) => (error === broken ? interrupt(error) : fail(error)),
      );
    });
    parser.on('finish', () => {
      if (!file) fail(new InvalidInput('upload', [{ field: 'file', problem: 'the file part is missing' }]));
    });
    request.pipe(parser);
  });
}

/** A file is stored as it is sent; a compressed form would not be what its parts say. @throws UnsupportedEncoding */
function assertPlain(request: Request): void {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity') throw new UnsupportedEncoding('send an upload uncompressed');
}

function openParser(request: Request): BusboyInstance {
  const contentType = request.headers['content-type'] ?? '';
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': contentType },
      preservePath: true,
      limits: { fieldSize: MAX_FIELD_BYTES, fields: 20, files: 2, parts: 22, headerPairs: 100 },
    });
  } catch (error) {
    throw new InvalidInput(
      'upload',
      [{ field: 'content-type', problem: 'is not multipart/form-data with a boundary' }],
      error,
    );
  }
}

function tooLong(field: string): InvalidInput {
  return new InvalidInput('upload', [{ field, problem: `is longer than ${MAX_FIELD_BYTES} bytes` }]);
}
