/** Bytes of a whole path in UTF-8; what S3 and GCS take as a key. */
const MAX_PATH_BYTES = 1024;
/** Bytes of one part in UTF-8; what file systems take as a name. */
const MAX_PART_BYTES = 255;
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

export const DOT_PROBLEM = 'it has a part "." or ".."';

/** What keeps a path from outside from being a plain relative one, `undefined` when nothing does. */
export function relativePathProblem(path: unknown): string | undefined {
  if (typeof path !== 'string') return 'it is not text';
  if (path === '') return 'it is empty';
  if (!path.isWellFormed()) return 'it is broken Unicode';
  if (path.includes('\\')) return 'it holds a backslash';
  if (CONTROL.test(path)) return 'it holds a control character';
  if (path.startsWith('/') || /^[A-Za-z]:\//.test(path)) return 'it is an absolute path';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  return partsProblem(path.split('/'));
}

function partsProblem(parts: readonly string[]): string | undefined {
  if (parts.includes('')) return 'it has an empty part';
  if (parts.includes('.') || parts.includes('..')) return DOT_PROBLEM;
  if (parts.some((part) => Buffer.byteLength(part) > MAX_PART_BYTES))
    return `it has a part longer than ${MAX_PART_BYTES} bytes`;
  return undefined;
}
