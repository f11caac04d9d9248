import type { Json } from '../../shared/json.ts';
import { PythonFrameTooLarge } from './errors.ts';

const HEADER_BYTES = 8;
/** The host holds to the same limits. */
export const MAX_JSON_BYTES = 16 * 2 ** 20;
export const MAX_BINARY_BYTES = 256 * 2 ** 20;

/** One message on the line: JSON, and bytes that belong to it. */
export interface Frame {
  message: Json;
  binary: Uint8Array;
}

/**
 * A frame as chunks to write, one after the other: lengths of both parts (u32 little-endian each), JSON, bytes.
 * @throws PythonFrameTooLarge
 */
export function encodeFrame(message: Json, binary: readonly Uint8Array[] = []): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(message));
  const binaryBytes = binary.reduce((sum, { byteLength }) => sum + byteLength, 0);
  assertSizes(text.byteLength, binaryBytes);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(text.byteLength, 0);
  header.writeUInt32LE(binaryBytes, 4);
  return [Buffer.concat([header, text]), ...binary];
}

/** Takes bytes as they come and gives whole frames. Copies each byte once, whatever the size of the chunks. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #wanted: { json: number; binary: number } | undefined;

  /** @throws PythonFrameTooLarge; SyntaxError for what is no JSON: the line is broken for good then */
  *read(chunk: Uint8Array): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    for (;;) {
      if (!this.#wanted) {
        if (this.#bytes < HEADER_BYTES) return;
        const header = this.#take(HEADER_BYTES);
        this.#wanted = { json: header.readUInt32LE(0), binary: header.readUInt32LE(4) };
        assertSizes(this.#wanted.json, this.#wanted.binary);
      }
      const { json, binary } = this.#wanted;
      if (this.#bytes < json + binary) return;
      const body = this.#take(json + binary);
      this.#wanted = undefined;
      yield { message: JSON.parse(body.toString('utf8', 0, json)) as Json, binary: body.subarray(json) };
    }
  }

  #take(count: number): Buffer {
    const [first] = this.#chunks;
    const all =
      this.#chunks.length === 1 && first
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.#chunks);
    const rest = all.subarray(count);
    this.#chunks = rest.byteLength === 0 ? [] : [rest];
    this.#bytes = rest.byteLength;
    return all.subarray(0, count);
  }
}

function assertSizes(json: number, binary: number): void {
  if (json > MAX_JSON_BYTES) throw new PythonFrameTooLarge('JSON', json, MAX_JSON_BYTES);
  if (binary > MAX_BINARY_BYTES) throw new PythonFrameTooLarge('content', binary, MAX_BINARY_BYTES);
}
