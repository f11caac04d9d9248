import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { findSound } from '../../../shared/snapshots/files/find-sound.ts';
import { decodeManifest, encodeManifest } from '../../../shared/snapshots/files/manifest.ts';
import { packFiles } from '../../../shared/snapshots/files/pack-files.ts';
import { listPlaces, type PlacedFile, placedFiles } from '../../../shared/snapshots/files/places.ts';
import { readStretch, stretchesOf } from '../../../shared/snapshots/files/read-stretch.ts';
import { HeldBucket, seededBytes } from './held-bucket.ts';

const KIB = 1024;
const sizes = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 400 * KIB })),
  { minLength: 2, maxLength: 12 },
);

/** Files of the sizes in one pack, in order, and the pack in a bucket. */
function packOf(fileSizes: readonly number[], seed: number, chunkBytes: number) {
  const bytes = seededBytes(
    seed,
    fileSizes.reduce((sum, size) => sum + size, 0),
  );
  const object = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
  const bucket = new HeldBucket({ holds: false, chunkBytes: () => chunkBytes });
  bucket.objects.set(`objects/${object.sha256}`, bytes);
  let start = 0;
  const files = fileSizes.map((sizeBytes, index): PlacedFile => {
    const place = { object, start };
    start += sizeBytes;
    return { path: `${index}`, sizeBytes, sha256: sha256Of(bytes.subarray(place.start, start)), place };
  });
  return { bucket, bytes, files: firstOfEachSize(files) };
}

/** Equal bytes are one file. */
function firstOfEachSize(files: readonly PlacedFile[]): PlacedFile[] {
  return files.filter((file, index) => files.findIndex(({ sha256 }) => sha256 === file.sha256) === index);
}

describe('a pack', () => {
  it('gives each wanted file its bytes, once, whatever stretches and chunks they come in', async () => {
    const property = fc.asyncProperty(
      sizes,
      fc.infiniteStream(fc.boolean()),
      fc.integer({ min: 1, max: 300 * KIB }),
      fc.integer({ min: 1, max: 900 * KIB }),
      fc.boolean(),
      fc.nat(),
      async (fileSizes, choice, chunkBytes, partBytes, canReadRanges, seed) => {
        // Not a million chunks of one byte.
        const { bucket, bytes, files } = packOf(fileSizes, seed, Math.max(chunkBytes, 64));
        const wanted = files.filter(() => choice.next().value);
        const got = new Map<string, number>();

        const stretches = stretchesOf(wanted, { canReadRanges, partBytes });
        for (const stretch of stretches)
          for await (const { file, chunks } of readStretch(bucket, stretch, new AbortController().signal)) {
            const found = Buffer.concat(chunks);
            expect(found.equals(bytes.subarray(file.place.start, file.place.start + file.sizeBytes))).toBe(
              true,
            );
            got.set(file.sha256, (got.get(file.sha256) ?? 0) + 1);
          }

        expect([...got.keys()].sort()).toEqual(
          wanted.flatMap(({ sizeBytes, sha256 }) => (sizeBytes > 0 ? [sha256] : [])).sort(),
        );
        expect([...got.values()].every((times) => times === 1)).toBe(true);
        if (canReadRanges)
          for (const { start, end, files: inside } of stretches)
            expect(inside.length === 1 || (end ?? bytes.length) - start <= partBytes).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('is found sound but for the files whose bytes were changed', async () => {
    const property = fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (fileSizes, seed, at) => {
      const { bucket, bytes, files } = packOf(fileSizes, seed, 64 * KIB);
      fc.pre(bytes.length > 0);
      const changed = at % bytes.length;
      const damaged = Uint8Array.from(bytes);
      damaged[changed]! ^= 1;
      for (const key of bucket.objects.keys()) bucket.objects.set(key, damaged);

      const sound = await findSound(bucket, files);

      expect([...sound.keys()].sort()).toEqual(
        files
          .filter(({ place, sizeBytes }) => changed < place.start || changed >= place.start + sizeBytes)
          .map(({ sha256 }) => sha256)
          .sort(),
      );
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

describe('the packing of files', () => {
  const files = fc.array(
    fc.record({ sizeBytes: fc.oneof(fc.integer({ min: 0, max: 600 * KIB }), fc.nat(5)) }),
    { maxLength: 80 },
  );

  it('takes each file once, in order, small ones in company, no pack larger than 8 MiB', () => {
    fc.assert(
      fc.property(files, (list) => {
        const { packs, others } = packFiles(list);

        expect(new Set([...packs.flat(), ...others])).toEqual(new Set(list));
        expect(packs.flat().length + others.length).toBe(list.length);
        for (const pack of packs) {
          expect(pack.length).toBeGreaterThan(1);
          expect(pack.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(8 * 2 ** 20);
          expect(pack.every(({ sizeBytes }) => sizeBytes <= 512 * KIB)).toBe(true);
        }
        const positions = packs.flat().map((file) => list.indexOf(file));
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
      }),
    );
  });

  it('comes back from a manifest as it was', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (fileSizes, seed) => {
        const one = packOf(fileSizes, seed, KIB);
        const two = packOf([...fileSizes, 7], seed + 1, KIB);
        const placed = [
          ...one.files.map((file) => ({ ...file, path: `a/${file.path}` })),
          ...two.files.map((file) => ({ ...file, path: `b/${file.path}` })),
        ].sort((a, b) => (a.path < b.path ? -1 : 1));
        const manifest = {
          snapshotId: 'digits',
          revision: 1,
          createdAt: '2026-01-01T00:00:00.000Z',
          configuration: {},
          lineage: {},
          ...listPlaces(placed),
        };

        expect(placedFiles(decodeManifest(encodeManifest(manifest), 'manifest'))).toEqual(placed);
      }),
      { numRuns: 40 },
    );
  });
});
