import { DOT_PROBLEM, relativePathProblem } from '../content/relative-path.ts';
import { InvalidKey } from './errors.ts';

/**
 * Hands a key back when it is a plain relative path; it is never repaired, so that one object has one key.
 * @throws InvalidKey for absolute paths, `.` and `..`, empty parts, backslashes, control characters, broken Unicode
 * and keys longer than 1024 bytes or with a part longer than 255
 */
export function checkKey(key: string): string {
  const problem = relativePathProblem(key);
  if (problem !== undefined) throw new InvalidKey(String(key), problem);
  return key;
}

/** As `checkKey`, for the start of a key: may be empty, may end in the middle of a part or with its slash. */
export function checkPrefix(prefix: string): string {
  if (prefix === '') return prefix;
  const problem = relativePathProblem(
    typeof prefix === 'string' && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix,
  );
  // The start of "..model" is ".."; what it selects can only be keys that were checked themselves.
  if (problem !== undefined && problem !== DOT_PROBLEM) throw new InvalidKey(String(prefix), problem);
  if (/(^|\/)\.\.?\//.test(prefix)) throw new InvalidKey(prefix, DOT_PROBLEM);
  return prefix;
}
