import { toErrorBody } from '../errors.ts';
import type { JsonObject } from '../json.ts';

/** An error as an API Gateway reply, for a container that could not be opened: no Express, the same shape of error. */
export function errorReply(error: unknown): JsonObject {
  const body = toErrorBody(error);
  return {
    statusCode: body.statusCode,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}
