import type { ErrorRequestHandler } from 'express';
import type { Log } from '../log.ts';
import { maskedErrorBody, type Redact } from '../redact.ts';
import { BodyTooLarge, InvalidBody, InvalidUrl, MethodNotAllowed } from './errors.ts';

/**
 * Answers whatever was thrown as `{ statusCode, message, code, details }`. What is ours to look into (5xx) is logged with
 * its stack. An answer that has begun cannot be turned into an error: its connection is cut, so that it is not taken for whole.
 */
export function errorHandler(log: Log, redact: Redact): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const error = inOurWords(thrown);
    const body = maskedErrorBody(error, redact);
    if (body.statusCode >= 500)
      log.error('request failed', {
        method: request.method,
        path: request.path,
        requestId: response.get('x-request-id'),
        code: body.code,
        reason: body.message,
        stack: error instanceof Error ? error.stack : undefined,
      });
    if (response.headersSent) return void response.destroy();
    if (error instanceof MethodNotAllowed) response.set('allow', error.allowed.join(', '));
    response.status(body.statusCode).json(body);
  };
}

/** Errors of Express and its body parser as ours; all others as they are. `type` is the parser's own word. */
function inOurWords(error: unknown): unknown {
  const { type, status, limit } = (error ?? {}) as { type?: unknown; status?: unknown; limit?: unknown };
  switch (type) {
    case 'entity.parse.failed':
      return new InvalidBody('it is not JSON', error);
    case 'entity.too.large':
      return new BodyTooLarge(`it is larger than ${String(limit)} bytes`, error);
    case 'parameters.too.many':
      return new BodyTooLarge('it has too many fields', error);
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new InvalidBody('send it as UTF-8, plain or compressed with gzip', error);
    case 'request.size.invalid':
    case 'request.aborted':
      return new InvalidBody('it ended before its length', error);
    default:
      if (error instanceof URIError) return new InvalidUrl(error);
      // zlib names what is wrong with a compressed body by a code alone.
      return status === 400 ? new InvalidBody('it is damaged', error) : error;
  }
}
