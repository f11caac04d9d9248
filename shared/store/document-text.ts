import { findJsonProblem, JsonLimitExceeded } from '../json-limits.ts';

/**
 * Levels of a stored document, its wrapping included: half of what SQLite's JSON functions read. A deeper one would make
 * every query fail that looks into it.
 */
const MAX_DOCUMENT_DEPTH = 500;
/** UTF-16 units of a stored document's text. Every condition on a field reads the whole text. */
const MAX_DOCUMENT_CHARACTERS = 64 * 1024 * 1024;

/**
 * The JSON text under which a document is stored. The last check before a write, for all writers: most values were checked
 * where they came in. @throws JsonLimitExceeded naming the field
 */
export function toDocumentText(document: object, what: string): string {
  const problem = findJsonProblem(document, {
    maxDepth: MAX_DOCUMENT_DEPTH,
    maxValues: Number.POSITIVE_INFINITY,
  });
  if (problem) throw new JsonLimitExceeded(what, problem);
  const text = JSON.stringify(document);
  if (text.length <= MAX_DOCUMENT_CHARACTERS) return text;
  throw new JsonLimitExceeded(what, {
    field: findLongestField(document),
    problem: `the document is longer than ${MAX_DOCUMENT_CHARACTERS} characters`,
  });
}

function findLongestField(document: object): string {
  const sizes = Object.entries(document).map(([name, value]) => ({
    name,
    length: (JSON.stringify(value) ?? '').length,
  }));
  return sizes.sort((a, b) => b.length - a.length)[0]?.name ?? '';
}
