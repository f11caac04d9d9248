import { FormatUnreadable } from './errors.ts';
import type { FormatFiles } from './format.ts';

const PIECE_CHARS = 64 * 1024;

/** Small texts put together, so that a file is not written annotation by annotation. */
export async function* inPieces(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let piece = '';
  for await (const text of texts) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** A file as text, its byte order mark passed over. @throws FormatUnreadable when it is not UTF-8 or too long */
export async function* textOf(
  format: string,
  files: FormatFiles,
  path: string,
  maxBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new FormatUnreadable(format, path, 'it is not UTF-8', error);
    }
  };
  for await (const chunk of files.stream(path)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new FormatUnreadable(format, path, `it has more than ${maxBytes} bytes`);
    yield decode(chunk);
  }
  yield decode();
}

/** Lines without their ends. @throws FormatUnreadable for one of more than `maxChars` */
export async function* linesOf(
  format: string,
  files: FormatFiles,
  path: string,
  maxChars: number,
): AsyncGenerator<string> {
  let rest = '';
  for await (const text of textOf(format, files, path)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    if (rest.length > maxChars || lines.some((line) => line.length > maxChars))
      throw new FormatUnreadable(format, path, `it has a line of more than ${maxChars} characters`);
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest.endsWith('\r') ? rest.slice(0, -1) : rest;
}
