import express from 'express';
import { isModelfnError } from '../errors.ts';
import { JsonLimitExceeded } from '../json-limits.ts';
import { findJsonTextProblem } from '../json-text.ts';
import { BodyTooLarge, InvalidBody, UnsupportedEncoding } from './errors.ts';

/** Marks errors of `verify`, whose status and type the body parser overwrites. */
const LIMIT_ERROR = 'json.limit';

/** Reads JSON bodies, scalars too. `limitBytes` counts unpacked bytes. Bodies that were read already are left. */
export function createJsonBody(limitBytes: number, type?: () => boolean): ReturnType<typeof express.json> {
  return express.json({
    limit: limitBytes,
    strict: false,
    ...(type && { type }),
    verify: (_request, _response, bytes) => {
      const problem = findJsonTextProblem(bytes);
      if (problem !== undefined) throw Object.assign(new Error(problem), { type: LIMIT_ERROR });
    },
  });
}

/** Maps errors of the body parser to errors of this folder. Other errors are returned unchanged. `type` is the parser's word. */
export function toBodyError(error: unknown): unknown {
  if (isModelfnError(error)) return error;
  const { type, status, limit, message } = (error ?? {}) as Partial<
    Record<'type' | 'status' | 'limit' | 'message', unknown>
  >;
  switch (type) {
    case LIMIT_ERROR:
      return new JsonLimitExceeded('body', { field: '', problem: String(message) });
    case 'entity.parse.failed':
      return new InvalidBody('it is not JSON', error);
    case 'entity.too.large':
      return new BodyTooLarge(`it is larger than ${String(limit)} bytes, unpacked`, error);
    case 'parameters.too.many':
      return new BodyTooLarge('it has too many fields', error);
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new UnsupportedEncoding('send it as UTF-8, plain or compressed with gzip, deflate or br', error);
    case 'request.size.invalid':
    case 'request.aborted':
      return new InvalidBody('it ended before its length', error);
    default:
      // zlib names what is wrong with a compressed body by a code alone.
      return status === 400 ? new InvalidBody('it is damaged', error) : error;
  }
}
