import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** One object of a repository, unpacked. */
export interface GitObject {
  type: 'commit' | 'tree' | 'blob' | 'tag';
  bytes: Uint8Array;
}

const TYPE_NUMBERS = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;

/** Objects as a pack, one after another and without deltas, so that only one is in memory. Format: gitformat-pack(5). */
export async function* packObjects(
  oids: readonly string[],
  readObject: (oid: string) => Promise<GitObject>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const sum = createHash('sha1');
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(oids.length, 8);
  sum.update(head);
  yield head;
  for (const oid of oids) {
    signal?.throwIfAborted();
    const { type, bytes } = await readObject(oid);
    const entry = Buffer.concat([
      entryHead(TYPE_NUMBERS[type], bytes.byteLength),
      deflateSync(bytes, { level: 1 }),
    ]);
    sum.update(entry);
    yield entry;
  }
  yield sum.digest();
}

function entryHead(type: number, sizeBytes: number): Buffer {
  const bytes = [(type << 4) | (sizeBytes & 15)];
  for (let rest = Math.floor(sizeBytes / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}
