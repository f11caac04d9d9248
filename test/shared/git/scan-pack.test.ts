import { createHash, randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { GIT_LIMITS } from '../../../shared/git/limits.ts';
import { type GitObject, packObjects } from '../../../shared/git/pack-objects.ts';
import { scanPack } from '../../../shared/git/scan-pack.ts';

async function packOf(...objects: GitObject[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of packObjects(
    objects.map((_, index) => String(index)),
    async (index) => objects[Number(index)]!,
  ))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

function blob(bytes: Uint8Array): GitObject {
  return { type: 'blob', bytes };
}

/** A pack of one entry as it is given, with a right sum behind it. */
function rawPack(entry: Buffer, count = 1): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  const body = Buffer.concat([head, entry]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

const LIMITS = { ...GIT_LIMITS, fileBytes: 1000, unpackedBytes: 1500, objects: 3 };

describe('a pack looked through before it is unpacked', () => {
  it('passes with objects of every size up to the limit', async () => {
    const sizes = [0, 1, 15, 16, 127, 128, 1000];
    const limits = { ...LIMITS, unpackedBytes: 10_000, objects: 10 };

    expect(scanPack(await packOf(...sizes.map((size) => blob(randomBytes(size)))), limits)).toBe(
      sizes.length,
    );
  });

  it.each<[string, () => Buffer | Promise<Buffer>, string]>([
    ['an object over the limit', () => packOf(blob(Buffer.alloc(1001))), 'GitTooLarge'],
    [
      'objects over the limit together',
      () => packOf(blob(Buffer.alloc(800)), blob(Buffer.alloc(801))),
      'GitTooLarge',
    ],
    [
      'too many objects',
      () => packOf(...Array.from({ length: 4 }, () => blob(Buffer.alloc(1)))),
      'GitTooLarge',
    ],
    // 7: an object made from another (20 bytes of id) by a delta that says how large base and result are.
    [
      'a delta whose result is over the limit',
      () => {
        const delta = Buffer.from([0x10, 0x80, 0x80, 0x80, 0x01, 0x90, 0x10]);
        return rawPack(
          Buffer.concat([Buffer.from([(7 << 4) | delta.length]), randomBytes(20), deflateSync(delta)]),
        );
      },
      'GitTooLarge',
    ],
    [
      'an object that unpacks to more than it says',
      () => rawPack(Buffer.concat([Buffer.from([(3 << 4) | 5]), deflateSync(Buffer.alloc(900_000))])),
      'GitContentRefused',
    ],
    [
      'an object that unpacks to less than it says',
      () => rawPack(Buffer.concat([Buffer.from([(3 << 4) | 5]), deflateSync(Buffer.alloc(4))])),
      'GitContentRefused',
    ],
    ['fewer objects than it says', () => rawPack(Buffer.alloc(0), 2), 'GitContentRefused'],
    ['bytes behind its objects', () => rawPack(Buffer.from('more'), 0), 'GitContentRefused'],
    [
      'an unknown type',
      () => rawPack(Buffer.concat([Buffer.from([5 << 4]), deflateSync('')])),
      'GitContentRefused',
    ],
    ['another beginning', () => Buffer.alloc(100), 'GitContentRefused'],
    ['nothing', () => Buffer.alloc(0), 'GitContentRefused'],
  ])('is refused for %s', async (_name, make, code) => {
    const pack = await make();

    expect(() => scanPack(pack, LIMITS)).toThrow(expect.objectContaining({ code }));
  });

  it('is refused with any byte changed or its end cut', async () => {
    const pack = await packOf(blob(Buffer.from('content')), blob(Buffer.from('more')));

    for (let at = 0; at < pack.length; at += 1) {
      const changed = Buffer.from(pack);
      changed[at]! ^= 1;
      for (const wrong of [changed, pack.subarray(0, at)])
        expect(() => scanPack(wrong, LIMITS)).toThrow(expect.objectContaining({ code: 'GitContentRefused' }));
    }
  });
});
