import type { Config } from './config.ts';
import { type ErrorBody, InternalError, messageOf, toErrorBody } from './errors.ts';
import type { Json } from './json.ts';
import type { Log } from './log.ts';
import type { Secrets } from './secrets.ts';

/** Replaces secrets in a text. */
export type Redact = (text: string) => string;

/** A shorter secret is not masked: it would mask half of every text. */
const SHORTEST_SECRET = 4;
/** Lines of a secret of several lines, such as a key, are also masked one by one from this length. */
const SHORTEST_LINE = 16;
/** A shorter password of the store's address may be an ordinary word, such as `postgres`; it is masked within addresses. */
const SHORTEST_PASSWORD = 12;
/** Causes of an error that are followed. */
const MAX_DEPTH = 20;

const CREDENTIALS_IN_ADDRESS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]{1,500}@/gi;
const AUTHORIZATION = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
const TOKEN_IN_QUERY =
  /([?&](?:(?:access_|refresh_|id_)?token|api_?key|key|password|secret|sig|signature|x-(?:goog|amz)-(?:signature|credential|security-token))=)[^&\s"'<>#]{4,}/gi;

const redactors = new WeakMap<object, Redact>();

/** Masks values of the environment's secrets, and what `maskPatterns` does. */
export function redactor(secrets: Secrets, others: Readonly<Record<string, string>> = {}): Redact {
  const maskValues = valueMask(secrets, others);
  return (text) => maskPatterns(maskValues(text));
}

/** The redactor of a configuration: its secrets, and the password of its store. Created once. */
export function redactorOf(config: Pick<Config, 'secrets' | 'store'>): Redact {
  let redact = redactors.get(config);
  if (redact === undefined) {
    redact = redactor(config.secrets, storePassword(config.store));
    redactors.set(config, redact);
  }
  return redact;
}

/**
 * Masks values of secrets, each by the name of its variable. Texts that a program derives from a secret are masked too:
 * percent-encoded, escaped in JSON, single lines.
 */
export function valueMask(secrets: Secrets, others: Readonly<Record<string, string>> = {}): Redact {
  const named = [
    ...secrets.names.map((name) => [name, secrets.get(name)!] as const),
    ...Object.entries(others),
  ];
  const forms = named
    .flatMap(([name, value]) => formsOf(value).map((form) => [form, `[${name}]`] as const))
    // The longest first: a secret may contain another one.
    .sort(([a], [b]) => b.length - a.length);
  return (text) => forms.reduce((masked, [form, mask]) => masked.replaceAll(form, mask), text);
}

/** Masks what has the form of a secret: credentials in addresses and their queries, and `Authorization` headers. */
export function maskPatterns(text: string): string {
  return text
    .replace(CREDENTIALS_IN_ADDRESS, '$1***@')
    .replace(AUTHORIZATION, '$1 ***')
    .replace(TOKEN_IN_QUERY, '$1***');
}

/** A copy with every text masked, keys included. */
export function maskJson<T extends Json | undefined>(value: T, redact: Redact): T;
export function maskJson(value: Json | undefined, redact: Redact): Json | undefined {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((each) => maskJson(each, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [redact(key), maskJson(each, redact)]),
  );
}

/** Any thrown value as the wire shape, masked: what an answer, a record or a queue gets. */
export function maskedErrorBody(error: unknown, redact: Redact): ErrorBody {
  const { statusCode, message, code, details } = toErrorBody(error);
  return { statusCode, message: redact(message), code, details: maskJson(details, redact) };
}

/**
 * Masks an error where it is: message, stack, details and other fields, its causes and the errors it collects. Returns it,
 * or one in its place when it cannot be changed. For errors that leave this code as errors, such as those thrown to Lambda.
 */
export function maskError(error: unknown, redact: Redact): unknown {
  try {
    return maskWithin(error, redact, 0, new Set());
  } catch {
    return new InternalError(new Error(redact(messageOf(error))));
  }
}

/** Changes errors where they are, and copies other values that change. @throws TypeError for an error that cannot be changed */
function maskWithin(value: unknown, redact: Redact, depth: number, seen: Set<object>): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  if (depth > MAX_DEPTH) return undefined;
  seen.add(value);
  const mask = (each: unknown) => maskWithin(each, redact, depth + 1, seen);
  if (value instanceof Error) return maskFields(value, mask);
  if (Array.isArray(value)) {
    const masked = value.map(mask);
    return masked.every((each, index) => each === value[index]) ? value : masked;
  }
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, each, mask(each)] as const);
  return entries.every(([, before, after]) => before === after)
    ? value
    : Object.fromEntries(entries.map(([key, , after]) => [key, after]));
}

function maskFields(error: Error, mask: (value: unknown) => unknown): Error {
  for (const key of Object.getOwnPropertyNames(error)) {
    const before: unknown = (error as unknown as Record<string, unknown>)[key];
    const value = mask(before);
    const { enumerable = false } = Object.getOwnPropertyDescriptor(error, key)!;
    if (value !== before)
      Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
  }
  return error;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A log whose messages and fields are masked before they reach `log`. */
export function maskedLog(log: Log, redact: Redact): Log {
  const masked =
    (level: keyof Log): Log[keyof Log] =>
    (message, fields) =>
      log[level](redact(message), fields && maskJson(fields as Record<string, Json>, redact));
  return { debug: masked('debug'), info: masked('info'), warn: masked('warn'), error: masked('error') };
}

function formsOf(value: string): string[] {
  if (value.length < SHORTEST_SECRET) return [];
  const lines = value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_LINE);
  return [...new Set([value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), ...lines])];
}

function storePassword(address: string | undefined): Record<string, string> {
  const { password = '' } = (address === undefined ? undefined : URL.parse(address)) ?? {};
  const decoded = decodeURIComponent(password.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  return decoded.length >= SHORTEST_PASSWORD ? { 'MODELFN_STORE password': decoded } : {};
}
