import { TextDecoder } from 'node:util';
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

/** Bytes that decide the encoding. */
const HEAD_BYTES = 256;

export interface TextOptions {
  maxBytes?: number;
  /** Returns the encoding that the beginning of a file declares, as a label of the WHATWG encoding standard. */
  declared?: (head: string) => string | undefined;
}

/**
 * A file as text, its byte order mark passed over: UTF-8, UTF-16 with a byte order mark, or what the file itself declares.
 * @throws FormatUnreadable when it is none of these, or too long
 */
export async function* textOf(
  format: string,
  files: FormatFiles,
  path: string,
  { maxBytes = Number.POSITIVE_INFINITY, declared }: TextOptions = {},
): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let head: Uint8Array[] = [];
  let bytes = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      decoder ??= decoderFor(Buffer.concat(head), declared);
      const waiting = head.map((each) => decoder!.decode(each, { stream: true })).join('');
      head = [];
      return waiting + (chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
    } catch (error) {
      const problem = `it is not ${decoder?.encoding ?? 'in a known encoding'}; save it as UTF-8`;
      throw new FormatUnreadable(format, path, problem, error);
    }
  };
  for await (const chunk of files.stream(path)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new FormatUnreadable(format, path, `it has more than ${maxBytes} bytes`);
    if (decoder !== undefined) yield decode(chunk);
    else {
      head.push(chunk);
      if (bytes >= HEAD_BYTES) yield decode(new Uint8Array());
    }
  }
  yield decode();
}

function decoderFor(head: Buffer, declared: TextOptions['declared']): TextDecoder {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le', { fatal: true });
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be', { fatal: true });
  const label = declared?.(head.subarray(0, HEAD_BYTES).toString('latin1')) ?? 'utf-8';
  return new TextDecoder(label, { fatal: true });
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
