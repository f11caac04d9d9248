import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest, type Manifest } from '../../../shared/snapshots/files/manifest.ts';

const name = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const json = fc
  .dictionary(name, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .filter((value) => !JSON.stringify(value).includes('__proto__'));
const manifest = fc.record({
  formatVersion: fc.constant(1),
  snapshotId: fc.stringMatching(/^[\w.:-]{1,20}$/),
  revision: fc.integer({ min: 1 }),
  createdAt: fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  files: fc.uniqueArray(
    fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `f-${parts.join('/')}-f`),
      sizeBytes: fc.nat(),
      sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    }),
    { minLength: 1, maxLength: 6, selector: ({ path }) => path },
  ),
  configuration: json,
  lineage: json,
  labels: fc.array(fc.string(), { maxLength: 3 }),
}) as unknown as fc.Arbitrary<Manifest>;

describe('a manifest', () => {
  it('comes back from its bytes, and the order of its files and keys does not matter', () => {
    fc.assert(
      fc.property(manifest, (value) => {
        const bytes = encodeManifest(value);
        const decoded = decodeManifest(bytes, 'manifest');
        const shuffled = {
          ...Object.fromEntries(Object.entries(value).reverse()),
          files: [...value.files].reverse(),
        } as Manifest;

        expect(JSON.parse(JSON.stringify({ ...decoded, files: [...decoded.files].sort(byPath) }))).toEqual(
          JSON.parse(JSON.stringify({ ...value, files: [...value.files].sort(byPath) })),
        );
        expect(Buffer.from(encodeManifest(shuffled))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 60 },
    );
  });

  it('is never made of random bytes: they are refused by one code', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(() => decodeManifest(bytes, 'manifest')).toThrow(
            expect.objectContaining({ code: 'WeightsCorrupt' }),
          );
        },
      ),
    );
  });
});

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}
