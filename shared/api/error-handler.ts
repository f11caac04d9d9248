import type { ErrorRequestHandler } from 'express';
import { toBodyError } from '../http/json-body.ts';
import type { Log } from '../log.ts';
import { maskedErrorBody, type Redact } from '../redact.ts';
import { InvalidUrl, MethodNotAllowed } from './errors.ts';

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

/** Errors of Express and its body parser as ours; all others unchanged. */
function inOurWords(error: unknown): unknown {
  return error instanceof URIError ? new InvalidUrl(error) : toBodyError(error);
}
