import { createHash, type Hash } from 'node:crypto';
import { crc32c } from './crc32c.ts';

/** Checksums as Cloud Storage writes them, in base64; those it does not have are missing. */
export interface Checksums {
  crc32c?: string | undefined;
  md5?: string | undefined;
}

/** Objects up to this size are checked by both sums; larger ones by CRC32C, as Google advises. MD5 would halve their speed. */
export const MAX_MD5_BYTES = 1 << 20;

/** Sums up bytes as they pass. */
export class Checksum {
  #sizeBytes = 0;
  #crc32c = 0;
  readonly #md5: Hash | undefined;

  constructor({ withMd5 }: { withMd5: boolean }) {
    this.#md5 = withMd5 ? createHash('md5') : undefined;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.byteLength;
    this.#crc32c = crc32c(bytes, this.#crc32c);
    this.#md5?.update(bytes);
  }

  /** The sums of all bytes so far; more may follow. */
  sums(): Checksums & { crc32c: string } {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc32c);
    return { crc32c: bytes.toString('base64'), md5: this.#md5?.copy().digest('base64') };
  }
}

/** True unless a sum that both have differs. */
export function agree(one: Checksums, other: Checksums): boolean {
  return differs(one.crc32c, other.crc32c) === false && differs(one.md5, other.md5) === false;
}

/** Reads `crc32c=AAAAAA==,md5=...`, as the header `x-goog-hash` has it, in one line or several. */
export function parseHashes(header: string | readonly string[] | undefined): Checksums {
  const sums: Checksums = {};
  for (const pair of [header ?? ''].flat().join(',').split(',')) {
    const [, name, value] = /^\s*(crc32c|md5)=(\S+)\s*$/.exec(pair) ?? [];
    if (name === 'crc32c' || name === 'md5') sums[name] = value;
  }
  return sums;
}

function differs(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
