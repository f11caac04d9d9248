import { environmentRedactor } from '../config.ts';
import { SECURITY_HEADERS } from '../http/security-headers.ts';
import type { JsonObject } from '../json.ts';
import { maskedErrorBody, type Redact } from '../redact.ts';

/** An error as an API Gateway reply, for a container that could not be opened: no Express, the same shape of error. */
export function errorReply(error: unknown, redact: Redact = environmentRedactor()): JsonObject {
  const body = maskedErrorBody(error, redact);
  return {
    statusCode: body.statusCode,
    headers: { ...SECURITY_HEADERS, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}
