import { CRC32C } from '@google-cloud/storage';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../shared/gcs/crc32c.ts';

describe('crc32c', () => {
  it('of "123456789" is the check value of the catalogue of CRCs', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('is that of Google, wherever the bytes lie in memory and however they are cut', () => {
    const cut = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 7 }), fc.nat({ max: 100 }));
    fc.assert(
      fc.property(cut, ([content, shift, at]) => {
        const bytes = new Uint8Array(content.length + shift);
        bytes.set(content, shift);
        const here = bytes.subarray(shift);
        const theirs = new CRC32C();
        theirs.update(Buffer.from(content));

        const ours = crc32c(here.subarray(at), crc32c(here.subarray(0, at)));

        expect(ours).toBe(Buffer.from(theirs.toString(), 'base64').readUInt32BE());
      }),
    );
  });
});
