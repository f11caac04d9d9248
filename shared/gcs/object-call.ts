import * as z from 'zod/mini';
import type { GcsConnection } from './connection.ts';
import { type Answer, exchange, type Question, readText } from './exchange.ts';
import { ConnectionFailure, ReplyFailure } from './failures.ts';
import type { Pace } from './pace.ts';
import { Retries } from './retries.ts';

/** What the calls of one bucket need. */
export interface GcsPlace {
  connection: GcsConnection;
  pace: Readonly<Pace>;
  bucketName: string;
  /** What fits into this is sent in one request, more through a session. A multiple of 256 KiB, as sessions want it. */
  pieceBytes: number;
}

/** An object as Cloud Storage tells of it. https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
const storedObjectSchema = z.object({
  name: z.string(),
  size: z.pipe(z.string().check(z.regex(/^\d{1,15}$/)), z.transform(Number)),
  generation: z.string().check(z.regex(/^\d{1,20}$/)),
  /** When this generation was written. */
  timeCreated: z.optional(z.string()),
  crc32c: z.optional(z.string()),
  md5Hash: z.optional(z.string()),
  metadata: z.optional(z.record(z.string(), z.string())),
});
export type StoredObject = z.output<typeof storedObjectSchema>;

const pageSchema = z.object({
  items: z.optional(z.array(storedObjectSchema)),
  nextPageToken: z.optional(z.string()),
});

const errorSchema = z.object({
  error: z.object({
    message: z.optional(z.string()),
    errors: z.optional(z.array(z.object({ reason: z.optional(z.string()) }))),
  }),
});

/** The fields of `StoredObject`, as the query parameter `fields` takes them. */
export const OBJECT_FIELDS = 'name,size,generation,timeCreated,crc32c,md5Hash,metadata';

const MAX_SHOWN_CHARACTERS = 300;

/** Address of an object, or of the bucket's list when there is no name. */
export function objectTarget(
  { bucketName }: GcsPlace,
  name: string | undefined,
  query: Readonly<Record<string, string | undefined>>,
): string {
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `/storage/v1/b/${encodeURIComponent(bucketName)}/o${object}${queryOf(query)}`;
}

/** Address where an object is uploaded. */
export function uploadTarget(
  { bucketName }: GcsPlace,
  query: Readonly<Record<string, string | undefined>>,
): string {
  return `/upload/storage/v1/b/${encodeURIComponent(bucketName)}/o${queryOf(query)}`;
}

/** Asks once. @throws ReplyFailure when the status is none of `wanted` */
export async function ask(
  place: GcsPlace,
  question: Question,
  ...wanted: readonly number[]
): Promise<Answer> {
  const answer = await exchange(place.connection, place.pace, question);
  if (wanted.includes(answer.status)) return answer;
  throw await replyFailure(answer);
}

/** Tells of one object. @throws ReplyFailure with status 404 when it is not there */
export async function askForObject(
  place: GcsPlace,
  name: string,
  signal?: AbortSignal,
): Promise<StoredObject> {
  const target = objectTarget(place, name, { fields: OBJECT_FIELDS });
  return new Retries(place.pace, signal).run(async () =>
    readObject(await ask(place, { method: 'GET', target, signal }, 200)),
  );
}

/** One page of a list. */
export async function askForPage(
  place: GcsPlace,
  prefix: string,
  pageToken: string | undefined,
): Promise<z.output<typeof pageSchema>> {
  const fields = `items(${OBJECT_FIELDS}),nextPageToken`;
  const query = { prefix: prefix === '' ? undefined : prefix, pageToken, fields };
  return new Retries(place.pace).run(async () => {
    const answer = await ask(place, { method: 'GET', target: objectTarget(place, undefined, query) }, 200);
    return parseAnswer(pageSchema, await readText(answer));
  });
}

export async function readObject(answer: Answer): Promise<StoredObject> {
  return parseAnswer(storedObjectSchema, await readText(answer));
}

/** A success that is not what was asked for comes from something in between: it counts as a broken connection. */
function parseAnswer<T>(schema: z.ZodMiniType<T>, text: string): T {
  try {
    return z.parse(schema, JSON.parse(text));
  } catch {
    // No cause: it would quote the answer, whatever that holds.
    throw new ConnectionFailure('the answer is not in the form of Cloud Storage');
  }
}

async function replyFailure(answer: Answer): Promise<ReplyFailure> {
  const text = await readText(answer);
  const { message, reason } = errorOf(text);
  return new ReplyFailure(
    answer.status,
    reason,
    withoutSecrets(message).slice(0, MAX_SHOWN_CHARACTERS),
    retryAfterMs(answer.headers['retry-after']),
  );
}

/** Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** Of a reply that is no JSON only plain words are kept: pages of proxies repeat what was sent to them. */
function errorOf(text: string): { message: string; reason: string } {
  try {
    const { error } = z.parse(errorSchema, JSON.parse(text));
    return { message: error.message ?? '', reason: error.errors?.[0]?.reason ?? '' };
  } catch {
    return { message: /^[\w .,:'"/-]{1,200}$/.test(text.trim()) ? text.trim() : '', reason: '' };
  }
}

/** Access tokens, upload ids and keys, in case a server repeats what it was sent. */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b(bearer|basic)\s+\S+/gi, '$1 ...')
    .replace(/\bya29\.\S+/g, '...')
    .replace(/[\w.~+/=-]{120,}/g, '...');
}

function queryOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
