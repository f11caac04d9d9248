import * as z from 'zod/mini';
import type { Json, JsonObject } from '../json.ts';
import { MAX_JSON_DEPTH } from '../json-limits.ts';
import { hasHiddenCharacter, toComparableName } from '../unicode-names.ts';

const MAX_NAME_LENGTH = 255;
const MAX_WORD_LENGTH = 255;
const MAX_TEXT_LENGTH = 10_000;
const MAX_TAGS = 100;

/**
 * Refuses a key `__proto__`: `JSON.parse` makes an own key of it, zod's records drop it, and an assignment would set a
 * prototype. Refuses deep values before zod walks them.
 */
const plainValue = z.unknown().check(
  z.superRefine((value: unknown, context) => {
    const problem = findProblem(value, 0);
    if (problem !== undefined) context.addIssue(problem);
  }),
);

/** Any JSON value without a key `__proto__`. */
export const jsonSchema = z.pipe(plainValue, z.json()) as unknown as z.ZodMiniType<Json>;

/** A JSON object, its values anything, without a key `__proto__` at any depth. */
export const jsonObjectSchema = z.pipe(
  plainValue,
  z.record(z.string(), z.json()),
) as unknown as z.ZodMiniType<JsonObject>;

/** Opaque id of any entity. Never interpreted, only compared; bounded so that it cannot fill a log. */
export const idSchema = z
  .string()
  .check(z.minLength(1), z.maxLength(128), z.regex(/^[\w.:-]+$/, 'is not an id'));

/**
 * A name people give: printable text without path characters, in Unicode's composed form (NFC), so that two names that look
 * the same are the same.
 */
export const nameSchema = z.string().check(
  z.trim(),
  z.minLength(1),
  z.maxLength(MAX_NAME_LENGTH),
  z.regex(/^[^\p{Cc}/\\]+$/u, 'may not hold a slash, a backslash or a control character'),
  z.refine(
    (name) => !hasHiddenCharacter(name),
    'may not hold a character that is invisible or changes the direction of text',
  ),
  z.overwrite(toComparableName),
);

/** ISO-8601 in UTC. */
export const timeSchema = z.iso.datetime();

/** A sha256 as 64 lower-case hex digits. */
export const sha256Schema = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'is not a sha256 in lower-case hex'));

/** A path of this machine; systems take 4,096 bytes. */
export const localPathSchema = z.string().check(z.maxLength(4_096));

/** A word that programs write: a type, a kind, the name of a function. */
export const wordSchema = z.string().check(z.maxLength(MAX_WORD_LENGTH));

/** A text for people, such as a description. */
export const textSchema = z.string().check(z.maxLength(MAX_TEXT_LENGTH));

export const nullableText = z._default(z.nullable(textSchema), null);

/** Short words people put on an entity to find it again. */
export const tagListSchema = z
  .array(z.string().check(z.minLength(1), z.maxLength(100)))
  .check(z.maxLength(MAX_TAGS));
export const tagsSchema = z._default(tagListSchema, []);

function findProblem(value: unknown, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_JSON_DEPTH) return `is nested deeper than ${MAX_JSON_DEPTH} levels`;
  if (Object.hasOwn(value, '__proto__'))
    return 'has a key "__proto__", which is refused; give it another name';
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const problem = findProblem(inner, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
