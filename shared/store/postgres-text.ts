import { isJsonObject, type Json } from '../json.ts';

const NUL = '\u0000';
const MARK = '\u0001';
const MARKED_NUL = `${MARK}\u0001`;
const MARKED_MARK = `${MARK}\u0002`;

/**
 * A text as PostgreSQL can hold it, which knows no U+0000: that becomes two characters, and so does the one they begin
 * with. The order of texts stays what it was, and what is a prefix stays one. Halves of surrogate pairs become U+FFFD.
 */
export function toPostgresText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  if (!whole.includes(NUL) && !whole.includes(MARK)) return whole;
  return whole.replaceAll(MARK, MARKED_MARK).replaceAll(NUL, MARKED_NUL);
}

export function fromPostgresText(text: string): string {
  if (!text.includes(MARK)) return text;
  return text.replaceAll(MARKED_NUL, NUL).replaceAll(MARKED_MARK, MARK);
}

/** A value as `jsonb` holds it: its texts and names as PostgreSQL can hold them. */
export function toPostgresJson(value: Json): string {
  return JSON.stringify(converted(value));
}

/**
 * The form of a document that is asked by filters, where it differs from the document as it is written; `json` is the
 * document's text.
 */
export function askedForm(json: string): string | undefined {
  // As JSON.stringify writes what PostgreSQL cannot hold.
  if (!json.includes('\\u0000') && !json.includes('\\u0001') && !json.includes('\\ud')) return undefined;
  return toPostgresJson(JSON.parse(json) as Json);
}

function converted(value: Json): Json {
  if (typeof value === 'string') return toPostgresText(value);
  if (Array.isArray(value)) return value.map(converted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [toPostgresText(name), converted(each)]),
  );
}
