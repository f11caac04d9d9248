import * as z from 'zod/mini';
import { InvalidInput } from '../../errors.ts';
import { UnsupportedEncoding } from '../../http/errors.ts';
import { SECURITY_HEADERS } from '../../http/security-headers.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import { redactorOf } from '../../redact.ts';
import { errorReply } from '../error-reply.ts';
import type { FunctionSpec, InputSpecs } from '../function-spec.ts';
import type { Container } from '../run.ts';
import { callFromEventBridge } from './event.ts';

/** Attributes are texts of at least one character; `data` holds the dataset event. */
const cloudEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().check(z.minLength(1)),
  source: z.string().check(z.minLength(1)),
  type: z.string().check(z.minLength(1)),
  data: z.optional(z.json()),
  data_base64: z.optional(z.string()),
});

/** Events of one batch: one request has one answer, and a broker sends all of them again. */
const MAX_BATCH = 1_000;

/**
 * The CloudEvents that an API Gateway v2 request carries: one in binary mode (attributes in `ce-` headers, data in the
 * body) or in structured mode (`application/cloudevents+json`), or a batch.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 * @throws InvalidInput for a body that is not what its headers say, UnsupportedEncoding for a compressed one
 */
export function cloudEventsOf(request: JsonObject): JsonObject[] {
  const headers = isJsonObject(request.headers) ? request.headers : {};
  const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity') throw new UnsupportedEncoding('send a CloudEvent uncompressed');
  const type = String(headers['content-type'] ?? '')
    .split(';')[0]!
    .trim()
    .toLowerCase();
  if (type === 'application/cloudevents+json') return [objectOf(bodyOf(request))];
  if (type === 'application/cloudevents-batch+json') return batchOf(bodyOf(request));
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith('ce-'))
    .map(([name, value]) => [name.slice(3), percentDecoded(String(value))]);
  return [{ ...Object.fromEntries(attributes), data: bodyOf(request) }];
}

/**
 * Answers CloudEvents over HTTP: 204 when all are done, and otherwise the error of the first that failed, by whose
 * status a broker decides whether it sends again. What is sent again changes nothing twice.
 */
export async function callFromCloudEvents<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  events: readonly JsonObject[],
  deadline: number | undefined,
): Promise<JsonObject> {
  const executions: string[] = [];
  let failure: unknown;
  for (const event of events) {
    try {
      executions.push(...(await callFromCloudEvent(container, spec, event, deadline)).executions);
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure === undefined)
    return {
      statusCode: 204,
      headers: { ...SECURITY_HEADERS, 'x-execution-id': executions.join(',') },
      isBase64Encoded: false,
    };
  return errorReply(failure, redactorOf(container.platform.config));
}

/** One CloudEvent of a dataset. @throws InvalidInput, and what the run failed with */
export async function callFromCloudEvent<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  event: JsonObject,
  deadline: number | undefined,
): Promise<{ executions: string[] }> {
  const { data, data_base64 } = parse(cloudEventSchema, event, 'CloudEvent');
  const detail =
    data_base64 === undefined ? (data ?? null) : jsonOf(Buffer.from(data_base64, 'base64').toString());
  return callFromEventBridge(container, spec, { detail }, deadline);
}

function bodyOf({ body, isBase64Encoded }: JsonObject): Json {
  const text = typeof body === 'string' ? body : '';
  return jsonOf(isBase64Encoded === true ? Buffer.from(text, 'base64').toString() : text);
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new InvalidInput('CloudEvent', [{ field: 'data', problem: 'it is not JSON' }], error);
  }
}

function objectOf(value: Json): JsonObject {
  if (isJsonObject(value)) return value;
  throw new InvalidInput('CloudEvent', [{ field: '', problem: 'it is no JSON object' }]);
}

function batchOf(value: Json): JsonObject[] {
  if (!Array.isArray(value))
    throw new InvalidInput('batch of CloudEvents', [{ field: '', problem: 'it is no list' }]);
  if (value.length > MAX_BATCH)
    throw new InvalidInput('batch of CloudEvents', [
      { field: '', problem: `it holds ${value.length}; send ${MAX_BATCH} at most` },
    ]);
  return value.map(objectOf);
}

/** Header values that are no plain ASCII come percent-encoded (section 3.1.3.2 of the binding). */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
