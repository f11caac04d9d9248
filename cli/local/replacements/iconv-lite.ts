import { TextDecoder } from 'node:util';

/**
 * Stands in for `iconv-lite` (500 kB of tables) in the bundles, where Express decodes request bodies with it: the
 * three functions that `body-parser` and `raw-body` call, on the runtime's own decoders.
 */

interface StreamDecoder {
  write(chunk: Uint8Array): string;
  end(): string;
}

/** True for the encodings of the WHATWG standard. */
export function encodingExists(encoding: string): boolean {
  try {
    return new TextDecoder(encoding).encoding !== '';
  } catch {
    return false;
  }
}

/** Text of all bytes; what is malformed becomes U+FFFD. */
export function decode(bytes: Uint8Array, encoding: string): string {
  return decoderOf(encoding).decode(bytes);
}

/** A decoder for bytes that come in pieces. */
export function getDecoder(encoding: string): StreamDecoder {
  const decoder = decoderOf(encoding);
  return { write: (chunk) => decoder.decode(chunk, { stream: true }), end: () => decoder.decode() };
}

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding);
  } catch (error) {
    // raw-body knows an unsupported encoding by these words, and answers 415.
    throw new Error(`Encoding not recognized: '${encoding}'`, { cause: error });
  }
}
