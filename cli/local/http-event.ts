import type { IncomingMessage } from 'node:http';
import { TextDecoder } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';
import { isConnectionHeader } from './connection-headers.ts';
import { InvalidFunctionReply } from './errors.ts';

/** A function's answer as it goes over the wire. Header values are lists: a header may come more than once. */
export interface HttpReply {
  statusCode: number;
  headers: [name: string, value: string][];
  body: Buffer;
}

export interface HttpRequestFacts {
  request: Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'headersDistinct'> & {
    socket: { remoteAddress?: string | undefined };
  };
  /** Where the server listens. */
  port: number;
  body: Buffer;
  routeKey: string;
  requestId: string;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * The event that an HTTP API sends to a function, payload format 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toHttpEvent(facts: HttpRequestFacts): JsonObject {
  const { request, body, routeKey, requestId, now } = facts;
  const [rawPath = '/', rawQueryString = ''] = splitOnce(request.url ?? '/', '?');
  const cookies = (request.headersDistinct.cookie ?? [])
    .flatMap((line) => line.split(/;\s*/))
    .filter(Boolean);
  const headers = headersOf(facts);
  const isText = isTextual(headers['content-type'], headers['content-encoding'], body);
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(rawQueryString !== '' && { queryStringParameters: joinedParameters(rawQueryString) }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: headers.host ?? 'localhost',
      domainPrefix: (headers.host ?? 'localhost').split(/[.:]/)[0] || 'localhost',
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: addressOf(request.socket),
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey,
      stage: '$default',
      time: commonLogTime(now),
      timeEpoch: now,
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/**
 * The HTTP reply that API Gateway makes of a function's answer, payload format 2.0: an answer without `statusCode` is
 * the JSON body of a 200.
 * @throws InvalidFunctionReply
 */
export function toHttpReply(functionName: string, answer: unknown): HttpReply {
  if (!isJsonObject(answer) || !('statusCode' in answer)) return jsonReply(200, answer);
  const statusCode = Number(answer.statusCode);
  if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599)
    throw new InvalidFunctionReply(
      functionName,
      `statusCode is ${JSON.stringify(answer.statusCode)}, not 200 to 599`,
    );
  const headers = Object.entries(isJsonObject(answer.headers) ? answer.headers : {})
    .filter(([name]) => !isConnectionHeader(name) && !isFraming(name))
    .map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]);
  for (const cookie of Array.isArray(answer.cookies) ? answer.cookies : [])
    headers.push(['set-cookie', String(cookie)]);
  const text = bodyText(answer.body);
  return {
    statusCode,
    headers,
    body: Buffer.from(text, answer.isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** A JSON reply. */
export function jsonReply(statusCode: number, value: unknown): HttpReply {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return {
    statusCode,
    headers: [['content-type', 'application/json; charset=utf-8']],
    body: Buffer.from(text),
  };
}

function bodyText(body: Json | undefined): string {
  if (body === undefined || body === null) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** Lengths are counted anew: the body's own is the only true one. */
function isFraming(name: string): boolean {
  return ['content-length', 'transfer-encoding'].includes(name.toLowerCase());
}

function headersOf({ request, body, port }: HttpRequestFacts): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values === undefined || name === 'cookie' || isConnectionHeader(name) || isFraming(name)) continue;
    headers[name] = values.join(',');
  }
  if (body.length > 0 || request.headersDistinct['content-length'] !== undefined)
    headers['content-length'] = String(body.length);
  headers['x-forwarded-for'] = addressOf(request.socket);
  headers['x-forwarded-port'] = String(port);
  headers['x-forwarded-proto'] = 'http';
  return headers;
}

/** API Gateway passes text, JSON, JavaScript and XML as they are, and anything else, or compressed, in base64. */
function isTextual(contentType = '', contentEncoding = 'identity', body: Buffer): boolean {
  const type = contentType.split(';')[0]!.trim().toLowerCase();
  const named = /^(text\/.+|application\/(json|javascript|xml|[\w.-]+\+(json|xml)))$/.test(type);
  return named && contentEncoding === 'identity' && isUtf8(body);
}

function isUtf8(body: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(body);
    return true;
  } catch {
    return false;
  }
}

function joinedParameters(query: string): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(now: number): string {
  const [, day, month, year, time] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(now).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

function addressOf({ remoteAddress = '127.0.0.1' }: HttpRequestFacts['request']['socket']): string {
  return remoteAddress.replace(/^::ffff:/, '');
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
