import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from './json-limits.ts';

/** Levels of the raw text of a body. Parsing a deeper one would take memory before any schema sees it. */
const MAX_TEXT_DEPTH = 2_000;

/**
 * Checks the bytes of a JSON text before they are parsed: a list of empty lists takes thirty times its bytes in memory.
 * The names of fields are found by `assertJsonLimits` afterwards. Does not check the grammar.
 */
export function findJsonTextProblem(bytes: Uint8Array): string | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case 0x22: // A text: only its end matters.
        at = endOfText(bytes, at);
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        values += 1;
        if (depth > MAX_TEXT_DEPTH) return `it is nested deeper than ${MAX_JSON_DEPTH} levels`;
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
      case 0x2c:
        values += 1;
        if (values > 2 * MAX_JSON_VALUES) return `the document has more than ${MAX_JSON_VALUES} values`;
        break;
    }
  }
  return undefined;
}

function endOfText(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at += 1) {
    if (bytes[at] === 0x5c) at += 1;
    else if (bytes[at] === 0x22) return at;
  }
  return bytes.length;
}
