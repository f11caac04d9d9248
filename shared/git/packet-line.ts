import { GitProtocolError, GitTooLarge, GitUnavailable } from './errors.ts';

// Format: git's Documentation/gitprotocol-common.txt, "pkt-line format".
const MAX_PACKET_BYTES = 65_520;
/** A server that never ends is left here; what it may send of objects is bounded elsewhere, and lower. */
const MAX_STREAM_BYTES = 4 * 2 ** 30;

export const FLUSH_PACKET = Buffer.from('0000');

/** One line of the protocol with its length before it. */
export function encodePacket(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from((payload.byteLength + 4).toString(16).padStart(4, '0')), payload]);
}

/** Reads packets off a stream, in order; several readers of one stream after another share this one. */
export class PacketReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #url: string;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #readBytes = 0;

  /** `url` names the server in an error. */
  constructor(source: AsyncIterable<Uint8Array>, url: string) {
    this.#url = url;
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next payload; `flush` for the packet that ends a section, `undefined` at the stream's end. @throws GitProtocolError, GitUnavailable (cut) */
  async next(): Promise<Buffer | 'flush' | undefined> {
    const head = await this.#take(4);
    if (head === undefined) return undefined;
    const text = head.toString('latin1');
    if (!/^[0-9a-fA-F]{4}$/.test(text)) throw new GitProtocolError('it is no line of the git protocol');
    const length = Number.parseInt(text, 16);
    if (length < 4) return 'flush';
    if (length > MAX_PACKET_BYTES) throw new GitProtocolError('a line is too long');
    const payload = length === 4 ? Buffer.alloc(0) : await this.#take(length - 4);
    if (payload === undefined) throw this.cut();
    return payload;
  }

  /** The packets inside the first band of this stream's packets; what the server has to say comes in the others. */
  inside(onText: (text: string) => void): PacketReader {
    return new PacketReader(firstBand(this, onText), this.#url);
  }

  /** For a stream that ended before what it brings was over. */
  cut(): GitUnavailable {
    return new GitUnavailable(this.#url, 'its answer was cut');
  }

  async #take(length: number): Promise<Buffer | undefined> {
    while (this.#heldBytes < length) {
      const step = await this.#source.next();
      if (step.done === true) {
        if (this.#heldBytes === 0) return undefined;
        throw this.cut();
      }
      this.#chunks.push(Buffer.from(step.value.buffer, step.value.byteOffset, step.value.byteLength));
      this.#heldBytes += step.value.byteLength;
      this.#readBytes += step.value.byteLength;
      if (this.#readBytes > MAX_STREAM_BYTES)
        throw new GitTooLarge('What the server sends', `${MAX_STREAM_BYTES} bytes`);
    }
    const [first] = this.#chunks;
    const all = first !== undefined && first.byteLength >= length ? first : Buffer.concat(this.#chunks);
    const rest = all === first ? this.#chunks.slice(1) : [];
    this.#chunks = all.byteLength > length ? [all.subarray(length), ...rest] : rest;
    this.#heldBytes -= length;
    return all.subarray(0, length);
  }
}

async function* firstBand(outer: PacketReader, onText: (text: string) => void): AsyncGenerator<Uint8Array> {
  for (let packet = await outer.next(); packet !== undefined; packet = await outer.next()) {
    if (packet === 'flush') return;
    if (packet[0] === 1) yield packet.subarray(1);
    else onText(packet.toString('utf8', 1));
  }
}
