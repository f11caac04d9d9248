import { type ByteSource, chunksOf } from '../content/byte-source.ts';

/** A stretch of a source. Its bytes are good until the second piece after it is asked for. */
export interface Piece {
  bytes: Uint8Array;
  isLast: boolean;
}

const FIRST_BYTES = 1 << 16;

/**
 * Cuts a source into pieces of `pieceBytes`; the last is shorter, and empty only when the source is. Two buffers take
 * turns: one is filled while the other is sent.
 */
export async function* piecesOf(source: ByteSource, pieceBytes: number): AsyncGenerator<Piece> {
  if (source instanceof Uint8Array && source.byteLength <= pieceBytes) {
    yield { bytes: source, isLast: true };
    return;
  }
  let buffer = new Uint8Array(Math.min(FIRST_BYTES, pieceBytes));
  let other = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of chunksOf(source)) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      if (filled === pieceBytes) {
        yield { bytes: buffer, isLast: false };
        [buffer, other] = [other, buffer];
        filled = 0;
      }
      const taken = rest.subarray(0, pieceBytes - filled);
      buffer = withRoom(buffer, filled, filled + taken.byteLength, pieceBytes);
      buffer.set(taken, filled);
      filled += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
    }
  }
  yield { bytes: buffer.subarray(0, filled), isLast: true };
}

/** Grows by doubling, so that small objects do not cost a whole piece of memory. */
function withRoom(buffer: Uint8Array<ArrayBuffer>, filled: number, needed: number, most: number) {
  if (needed <= buffer.byteLength) return buffer;
  const larger = new Uint8Array(Math.min(most, Math.max(needed, buffer.byteLength * 2)));
  larger.set(buffer.subarray(0, filled));
  return larger;
}
