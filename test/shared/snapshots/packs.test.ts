import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { checkPresent } from '../../../shared/snapshots/files/check-present.ts';
import type { SavedFiles } from '../../../shared/snapshots/files/commit-files.ts';
import { copyFiles } from '../../../shared/snapshots/files/copy-files.ts';
import { loadFiles } from '../../../shared/snapshots/files/load-files.ts';
import { objectKey } from '../../../shared/snapshots/files/manifest.ts';
import { keyOf, objectsOf, type PlacedFile, placedFiles } from '../../../shared/snapshots/files/places.ts';
import { saveStoredFiles } from '../../../shared/snapshots/files/save-files.ts';
import { restoreFiles } from '../../../shared/snapshots/restore-files.ts';
import { codeOf, listOf, textOf } from '../../contracts/bucket.contract.ts';
import { instantPace, testBucket, testPlace } from '../../support/gcs-place.ts';
import { type Fault, type GcsCall, startGcsServer } from '../../support/gcs-server.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { OPENERS } from '../buckets/openers.ts';
import type { Call } from '../buckets/watched-bucket.ts';
import { WatchedBucket } from '../buckets/watched-bucket.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { HeldBucket, type ReadFault, seeded } from './held-bucket.ts';
import {
  alterFile,
  CLOCK,
  type Files,
  fileCache,
  load,
  localBucket,
  manifestOf,
  PackingBucket,
  placeOf,
  save,
  textsIn,
  writeFiles,
} from './weights.ts';

const SCHEDULES = 40;

/** Small ones, one that is not, an empty one, and the same bytes under three paths. */
const MIXED: Files = {
  'a/one.txt': 'one',
  'a/three.txt': 'three'.repeat(1000),
  'a/two.txt': '',
  'b/large.bin': 'L'.repeat(600_000),
  'b/one again.txt': 'one',
  'c.json': '{}',
  'd/once more': 'one',
};
const SMALL: Files = { a: 'first', b: 'second', c: 'third', d: 'fourth' };

const packing = (root?: string) => new PackingBucket(localBucket(root));
const placesOf = async (bucket: Bucket, saved: SavedFiles): Promise<PlacedFile[]> =>
  placedFiles(await manifestOf(bucket, saved));
const writesTo = ({ calls }: WatchedBucket) =>
  calls.filter(({ operation }) => operation === 'write').map(({ key }) => key);

describe('small files saved where requests are dear', () => {
  it('lie together in a pack, in order of path, and are loaded as they were', async () => {
    const { bucket: gcs, again } = await OPENERS.gcs();
    const bucket = new WatchedBucket(gcs);
    const directory = await writeFiles(temporaryFolder(), MIXED);

    const saved = await save(bucket, {}, 1, { source: directory });
    const loaded = await load(again, saved);

    expect(await textsIn(loaded.directory)).toEqual(MIXED);
    const pack = MIXED['a/one.txt']! + MIXED['a/three.txt']! + MIXED['c.json']!;
    expect(writesTo(bucket).sort()).toEqual(
      [saved.manifestKey, objectKey(sha256Of(pack)), objectKey(sha256Of(MIXED['b/large.bin']!))].sort(),
    );
    expect(await textOf(gcs, objectKey(sha256Of(pack)))).toBe(pack);
    expect(saved).toMatchObject({ sizeBytes: 605_011, uploadedBytes: 605_005 });
    expect(saved.files).toEqual(loaded.files);
    expect(saved.files[0]).toEqual({ path: 'a/one.txt', sizeBytes: 3, sha256: sha256Of('one') });
    expect(loaded.manifest).toMatchObject({ formatVersion: 2, packs: [{ sizeBytes: pack.length }] });
  });

  it('of which there is one lie in an object of its own, and the manifest is as without packs', async () => {
    const one = { 'labels.json': '[]', 'model.bin': 'm'.repeat(600_000) };
    const plain = localBucket();
    const bucket = packing();

    const saved = await save(bucket, one);

    expect(saved).toEqual(await save(plain, one));
    expect(await listOf(bucket)).toMatchObject((await listOf(plain)).map(({ key }) => ({ key })));
  });

  it.each(['local', 'item', 'git'] as const)('are objects of their own in a %s bucket', async (type) => {
    const { bucket } = await OPENERS[type]();
    const saved = await save(bucket, SMALL);

    expect(await textOf(bucket, saved.manifestKey)).toBe(MANIFEST_OF_SMALL);
    expect((await listOf(bucket)).filter(({ key }) => key.startsWith('objects/'))).toHaveLength(4);
  });

  it('fill one pack after the other up to 8 MiB', async () => {
    const bucket = packing();
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`${100 + index}`, `${100 + index}`.padEnd(500_000, '.')]),
    );

    const saved = await save(bucket, files);

    const { packs, files: listed } = await manifestOf(bucket, saved);
    expect(packs!.map(({ sizeBytes }) => sizeBytes)).toEqual([8_000_000, 8_000_000, 4_000_000]);
    expect(listed[17]).toMatchObject({ path: '117', pack: 1, offset: 500_000 });
    expect(await textsIn((await load(bucket, saved)).directory)).toEqual(files);
  });

  it('saved twice are sent once, by one snapshot or two, with the same manifest', async () => {
    const bucket = packing();
    const first = await save(bucket, MIXED);
    bucket.calls.length = 0;

    const second = await save(bucket, MIXED);

    expect(second).toEqual({ ...first, uploadedBytes: 0 });
    expect(writesTo(bucket)).toEqual([]);
  });

  it('of the next revision are left in the packs of the one before, as far as they are the same', async () => {
    const bucket = packing();
    const first = await save(bucket, SMALL);
    const earlier = () => placesOf(bucket, first);
    bucket.calls.length = 0;

    const second = await save(bucket, { ...SMALL, b: 'changed', e: 'new' }, 2, { earlier });
    const third = await save(bucket, { d: 'fourth', b: 'changed' }, 3, {
      earlier: async () => [...(await placesOf(bucket, second)), ...(await earlier())],
    });

    expect(writesTo(bucket)).toEqual([
      objectKey(sha256Of('changednew')),
      second.manifestKey,
      third.manifestKey,
    ]);
    expect(second.uploadedBytes).toBe('changednew'.length);
    expect(await placeOf(bucket, second, 'd')).toEqual(await placeOf(bucket, first, 'd'));
    expect(await textsIn((await load(bucket, second)).directory)).toEqual({
      ...SMALL,
      b: 'changed',
      e: 'new',
    });
    expect(await textsIn((await load(bucket, third)).directory)).toEqual({ b: 'changed', d: 'fourth' });
  });

  it('that are objects already stay so, and are found again', async () => {
    const inner = localBucket();
    await save(inner, { a: 'first', c: 'third' });
    const bucket = new PackingBucket(inner);

    const saved = await save(bucket, SMALL, 2);

    expect(writesTo(bucket)).toEqual([objectKey(sha256Of('secondfourth')), saved.manifestKey]);
    expect(await textsIn((await load(bucket, saved)).directory)).toEqual(SMALL);
  });

  it('are sent again when the pack they were left in is damaged, cut, or gone', async () => {
    for (const damage of ['first!econdthirdfourth', 'first', undefined]) {
      const bucket = packing();
      const first = await save(bucket, SMALL);
      const key = keyOf(await placeOf(bucket, first, 'a'));
      const earlier = async () => places;
      const places = await placesOf(bucket, first);
      if (damage === undefined) await bucket.delete(key);
      else await bucket.write(key, Buffer.from(damage));

      const second = await save(bucket, { ...SMALL, e: 'new' }, 2, { earlier });

      expect(await textsIn((await load(bucket, second)).directory)).toEqual({ ...SMALL, e: 'new' });
    }
  });

  it('a damaged pack is repaired by saving the same files again', async () => {
    const bucket = packing();
    const saved = await save(bucket, SMALL);
    await alterFile(bucket, saved, 'b', 'SECOND');
    expect(await codeOf(load(bucket, saved))).toBe('WeightsCorrupt');

    await save(bucket, SMALL);

    expect(await textsIn((await load(bucket, saved)).directory)).toEqual(SMALL);
  });

  it('that change while they are sent are refused, and nothing is committed', async () => {
    const bucket = packing();
    let reads = 0;
    const changing = async function* () {
      reads += 1;
      yield Buffer.from(`read ${'again '.repeat(reads)}`);
    };
    const source = [
      { path: 'a', open: () => Buffer.from('a') },
      { path: 'b', open: changing },
    ];

    expect(await codeOf(save(bucket, {}, 1, { source }))).toBe('SourceChanged');
    expect(await listOf(bucket)).toEqual([]);
  });

  it('whose pack another hand takes away again and again before the manifest end in another one', async () => {
    const inner = localBucket();
    const first = await save(new PackingBucket(inner), SMALL);
    const places = await placesOf(inner, first);
    const key = keyOf(places[0]!);
    let manifests = 0;
    const bucket = new PackingBucket(inner, async ({ operation, key: at }) => {
      if (operation === 'write' && at.startsWith('manifests/') && ++manifests === 1) await inner.delete(key);
    });

    const second = await save(bucket, { ...SMALL, e: 'new', f: 'newer' }, 2, { earlier: async () => places });

    expect(manifests).toBe(2);
    expect(await textsIn((await load(inner, second)).directory)).toEqual({ ...SMALL, e: 'new', f: 'newer' });
  });

  it('whose new pack is taken away before the manifest stands are sent once more', async () => {
    const inner = localBucket();
    const key = objectKey(sha256Of(Object.values(SMALL).join('')));
    let manifests = 0;
    const bucket = new PackingBucket(inner, async ({ operation, key: at }) => {
      if (operation === 'write' && at.startsWith('manifests/') && ++manifests === 1) await inner.delete(key);
    });

    const saved = await save(bucket, {}, 1, { source: await writeFiles(temporaryFolder(), SMALL) });

    expect(writesTo(bucket)).toEqual([key, saved.manifestKey, key]);
    expect(await textsIn((await load(inner, saved)).directory)).toEqual(SMALL);
  });
});

describe('files of a pack that are loaded', () => {
  /** Ten files of 30 kB or so and an empty one in one pack. */
  const TEN: Files = {
    ...Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`${index}`, `${index}`.repeat(30_000 + index)]),
    ),
    empty: '',
  };
  const line = { partBytes: 100_000 };

  async function tenIn(options: ConstructorParameters<typeof HeldBucket>[0] = {}) {
    const bucket = new HeldBucket({ holds: false, prefersFewObjects: true, ...options });
    const saved = await save(bucket, TEN);
    const key = keyOf(await placeOf(bucket, saved, '0'));
    bucket.reads.length = 0;
    bucket.movedBytes = 0;
    const ofPack = () => bucket.reads.filter((read) => read.key === key);
    return { bucket, saved, key, ofPack };
  }

  it('come by a few ranged reads side by side', async () => {
    const { bucket, saved, ofPack } = await tenIn();

    const loaded = await load(bucket, saved, fileCache(1 << 30, temporaryFolder(), line));

    expect(await textsIn(loaded.directory)).toEqual(TEN);
    expect(ofPack().map(({ start, end }) => [start, end])).toEqual([
      [0, 90_003],
      [90_003, 180_015],
      [180_015, 270_036],
      [270_036, undefined],
    ]);
    expect(loaded.fetchedBytes).toBe(bucket.movedBytes);
  });

  it('come whole, once, from a bucket that cannot read ranges', async () => {
    const { bucket, saved, ofPack } = await tenIn({ canReadRanges: false });

    const loaded = await load(bucket, saved, fileCache(1 << 30, temporaryFolder(), line));

    expect(await textsIn(loaded.directory)).toEqual(TEN);
    expect(ofPack().map(({ start, end }) => [start, end])).toEqual([[0, undefined]]);
  });

  it('are fetched only where the cache does not have them, over short gaps', async () => {
    const { bucket, saved, ofPack } = await tenIn();
    const cache = fileCache(1 << 30, temporaryFolder());
    const { 2: _two, 3: _three, 9: _nine, ...most } = TEN;
    const other = localBucket();
    await load(other, await save(other, most), cache);

    const loaded = await load(bucket, saved, cache);

    expect(ofPack().map(({ start, end }) => [start, end])).toEqual([[60_001, undefined]]);
    expect(await textsIn(loaded.directory)).toEqual(TEN);
    expect(loaded.fetchedBytes).toBe(bucket.movedBytes);
  });

  it('are fetched in separate reads where much lies between them that is not wanted', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [String.fromCharCode(97 + index), `${index}`.repeat(100_000)]),
    );
    const bucket = new HeldBucket({ holds: false, prefersFewObjects: true });
    const first = await save(bucket, files);
    const few = { a: files.a!, l: files.l! };
    const second = await save(bucket, few, 2, { earlier: () => placesOf(bucket, first) });
    bucket.reads.length = 0;

    const loaded = await load(bucket, second);

    expect(bucket.reads.slice(1).map(({ start, end }) => [start, end])).toEqual([
      [0, 100_000],
      [1_200_000, undefined],
    ]);
    expect(await textsIn(loaded.directory)).toEqual(few);
  });

  it.each([1, 2, 3, 4])(
    'are fetched once by loads at the same time, of one revision and of two (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const { bucket, saved } = await tenIn({ chunkBytes: () => 5_000 + random(20_000) });
      const changed = { ...TEN, 4: 'four'.repeat(9_000), more: 'more' };
      const next = await save(bucket, changed, 2, { earlier: () => placesOf(bucket, saved) });
      bucket.reads.length = 0;
      bucket.movedBytes = 0;
      bucket.holds = true;
      const cache = fileCache(1 << 30, temporaryFolder(), line);

      const works = Promise.all([saved, next, saved, next].map((each) => load(bucket, each, cache)));
      const loaded = await bucket.release(works, random);

      expect(loaded.reduce((sum, { fetchedBytes }) => sum + fetchedBytes, 0)).toBe(bucket.movedBytes);
      const manifests = bucket.reads.filter(({ key }) => key.startsWith('manifests/'));
      const manifestBytes = manifests.reduce((sum, { key }) => sum + bucket.objects.get(key)!.byteLength, 0);
      const fileBytes = Object.values({ ...TEN, 40: changed[4]!, more: 'more' }).join('').length;
      // The one that changed lies between those that did not, and may have been read over once.
      expect([0, TEN[4]!.length]).toContain(bucket.movedBytes - manifestBytes - fileBytes);
      for (const [index, { directory }] of loaded.entries())
        expect(await textsIn(directory)).toEqual(index % 2 === 0 ? TEN : changed);
    },
  );

  it('go on coming for one load when the other that asked first is given up, and stop with the last', async () => {
    for (const opened of [0, 1, 5]) {
      const { bucket, saved, ofPack } = await tenIn();
      const folder = temporaryFolder();
      const cache = fileCache(1 << 30, folder, line);
      await cache.put(bucket.objects.get(saved.manifestKey)!);
      bucket.holds = true;
      let asked = 0;
      const fetchPacked = cache.fetchPacked.bind(cache);
      cache.fetchPacked = (...given) => {
        asked += 1;
        return fetchPacked(...given);
      };
      const callers = [new AbortController(), new AbortController(), new AbortController()];
      const loads = callers.map(({ signal }) =>
        loadFiles({ bucket, weights: saved, cache, snapshotId: 'digits', signal }),
      );
      for (const each of loads) each.catch(() => undefined);
      await expect.poll(() => asked).toBe(3);
      for (let count = 0; count < opened; count += 1) {
        (await bucket.nextGate()).open();
        bucket.gates.shift();
      }
      await bucket.nextGate();

      callers[0]!.abort(new Error('enough'));
      callers[1]!.abort(new Error('enough'));
      for (const each of loads.slice(0, 2)) await expect(each).rejects.toThrow('enough');
      if (opened === 1) {
        callers[2]!.abort(new Error('all gone'));
        await expect(loads[2]!).rejects.toThrow('all gone');
        await expect.poll(() => bucket.gates).toEqual([]);
      } else {
        const loaded = await bucket.release(loads[2]!, seeded(opened));
        expect(await textsIn(loaded.directory)).toEqual(TEN);
      }
      expect(ofPack()).toHaveLength(4);
      expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    }
  });

  it('each have a folder of their own when the cache has room for nothing', async () => {
    const { bucket, saved } = await tenIn();
    const cache = fileCache(0, temporaryFolder(), line);
    const duplicates = { ...TEN, twin: TEN[3]! };
    const next = await save(bucket, duplicates, 2);

    for (const _round of [1, 2]) {
      const [one, two] = await Promise.all([load(bucket, saved, cache), load(bucket, next, cache)]);
      await cache.trim();
      expect(await textsIn(one.directory)).toEqual(TEN);
      expect(await textsIn(two.directory)).toEqual(duplicates);
      one.release();
      two.release();
    }
  });

  it.each([
    ['flip', 2, 'WeightsCorrupt'],
    ['flip', 1, undefined],
    ['cut', 1, 'WeightsCorrupt'],
    ['surplus', 1, 'WeightsCorrupt'],
    ['lasting', 1, 'Forbidden'],
    ['passing', 2, 'BucketUnavailable'],
    ['passing', 1, undefined],
  ] as const)(
    'of which any stretch is %s (%i times) are refused, or had after all',
    async (kind, times, code) => {
      for (const file of Object.keys(TEN).filter((path) => path !== 'empty')) {
        const { bucket, saved, key } = await tenIn();
        const { place } = await placeOf(bucket, saved, file);
        const faults: ReadFault[] = [{ kind, position: place.start + 20_000, times }];
        const faulty = new HeldBucket({ holds: false, faults, chunkBytes: () => 1_000 });
        for (const [at, bytes] of bucket.objects) faulty.objects.set(at, bytes);
        const folder = temporaryFolder();
        const cache = fileCache(1 << 30, folder, line);

        // The manifest is not what is damaged.
        await cache.put(bucket.objects.get(saved.manifestKey)!);
        const loading = load(faulty.guarded(), saved, cache);

        if (code === undefined) expect(await textsIn((await loading).directory)).toEqual(TEN);
        else expect(await codeOf(loading)).toBe(code);
        if (kind === 'flip' && code) expect((await failureOf(loading)).details?.file).toBe(file);
        if (code === 'WeightsCorrupt') expect((await failureOf(loading)).details?.file).toMatch(/^\d$/);
        expect(await readdir(join(folder, 'tmp'))).toEqual([]);
        expect(faulty.reads.every((read) => read.key === key)).toBe(true);
      }
    },
  );

  it('that lie in a pack of another length are refused by name, whole or in part', async () => {
    for (const change of [
      (bytes: Uint8Array) => bytes.subarray(0, -1),
      (bytes: Uint8Array) => bytes.subarray(0, 40_000),
      (bytes: Uint8Array) => new Uint8Array([...bytes, 0]),
      () => new Uint8Array(),
    ]) {
      const { bucket, saved, key } = await tenIn();
      bucket.objects.set(key, new Uint8Array(change(bucket.objects.get(key)!)));

      expect(await failureOf(load(bucket, saved))).toMatchObject({
        code: 'WeightsCorrupt',
        details: { file: expect.stringMatching(/^\d$/), snapshotId: 'digits' },
      });
    }
  });

  it('whose pack is gone are told as missing, by name', async () => {
    const { bucket, saved, key } = await tenIn();
    await bucket.delete(key);

    expect(await failureOf(load(bucket, saved))).toMatchObject({
      code: 'WeightsMissing',
      details: { file: '0' },
    });
    expect(await codeOf(checkPresent({ bucket, weights: saved, snapshotId: 'digits' }))).toBe(
      'WeightsMissing',
    );
  });

  it('leave nothing of a damaged one in the cache, and the sound ones of it', async () => {
    const { bucket, saved, key } = await tenIn();
    const bytes = Buffer.from(bucket.objects.get(key)!);
    bytes.write('!', 45_000);
    bucket.objects.set(key, new Uint8Array(bytes));
    const folder = temporaryFolder();

    expect(await codeOf(load(bucket, saved, fileCache(1 << 30, folder)))).toBe('WeightsCorrupt');

    const kept = await readdir(join(folder, 'objects'), { recursive: true });
    expect(kept.filter((path) => path.includes(sha256Of(bytes.subarray(30_000, 60_001))))).toEqual([]);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });
});

describe('files of packs that go elsewhere', () => {
  it('are copied as the packs they lie in, to and fro, and the pointer stays good', async () => {
    const { bucket: gcs } = await OPENERS.gcs();
    const { bucket: back } = await OPENERS.gcs();
    const local = localBucket();
    const saved = await save(gcs, MIXED);

    for (const [from, to] of [
      [gcs, local],
      [local, back],
    ] as const) {
      await copyFiles({ from, to, weights: saved, snapshotId: 'digits' });
      expect(await textsIn((await load(to, saved)).directory)).toEqual(MIXED);
    }
    expect((await listOf(back)).map(({ key }) => key)).toEqual((await listOf(gcs)).map(({ key }) => key));
  });

  it('are refused by a copy when the pack is damaged', async () => {
    const from = packing();
    const saved = await save(from, MIXED);
    await alterFile(from, saved, 'c.json', '[]');
    const to = localBucket();

    expect(await failureOf(copyFiles({ from, to, weights: saved, snapshotId: 'digits' }))).toMatchObject({
      code: 'WeightsCorrupt',
      details: { file: 'a/one.txt' },
    });
    expect((await listOf(to)).some(({ key }) => key.startsWith('manifests/'))).toBe(false);
  });

  it('become files of their own, or packs, as the bucket they are saved to has it', async () => {
    const { bucket: gcs } = await OPENERS.gcs();
    const [from, local] = [new WatchedBucket(gcs), localBucket()];
    const saved = await save(from, MIXED);
    from.calls.length = 0;
    const options = { snapshotId: 'digits', configuration: {}, lineage: {}, clock: CLOCK };
    const origin = { weights: saved, fromSnapshotId: 'digits' };

    const plain = await saveStoredFiles({ ...options, ...origin, from, bucket: local, revision: 2 });
    const packed = await saveStoredFiles({
      ...options,
      from: local,
      weights: plain,
      fromSnapshotId: 'digits',
      bucket: gcs,
      revision: 3,
    });

    // Manifest, large file, and all of the small ones at once.
    expect(from.calls.filter(({ operation }) => operation === 'read')).toHaveLength(3);
    expect((await manifestOf(local, plain)).formatVersion).toBe(1);
    expect(packed.uploadedBytes).toBe(0);
    expect(objectsOf(await manifestOf(gcs, packed))).toEqual(objectsOf(await manifestOf(gcs, saved)));
    for (const [bucket, each] of [
      [local, plain],
      [gcs, packed],
    ] as const)
      expect(await textsIn((await load(bucket, each)).directory)).toEqual(MIXED);
  });

  it('stay in their packs when they are saved again within one bucket', async () => {
    const bucket = packing();
    const first = await save(bucket, SMALL);
    const second = await save(bucket, { ...SMALL, e: 'new' }, 2, { earlier: () => placesOf(bucket, first) });
    bucket.calls.length = 0;

    const saved = await saveStoredFiles({
      snapshotId: 'digits',
      configuration: {},
      lineage: {},
      clock: CLOCK,
      from: bucket,
      weights: second,
      fromSnapshotId: 'digits',
      bucket,
      revision: 3,
    });

    expect(writesTo(bucket)).toEqual([saved.manifestKey]);
    expect(await textsIn((await load(bucket, saved)).directory)).toEqual({ ...SMALL, e: 'new' });
  });

  it('are restored into a folder, verified', async () => {
    const bucket = packing();
    const saved = await save(bucket, MIXED);
    const restore = (directory: string) =>
      restoreFiles({ bucket, weights: saved, snapshotId: 'digits', directory });
    const directory = join(temporaryFolder(), 'out');

    expect(await restore(directory)).toEqual(saved.files);
    expect(await textsIn(directory)).toEqual(MIXED);

    await alterFile(bucket, saved, 'c.json', '[]');
    expect(await failureOf(restore(join(temporaryFolder(), 'out')))).toMatchObject({
      code: 'WeightsCorrupt',
      details: { file: 'c.json' },
    });
    await bucket.delete(keyOf(await placeOf(bucket, saved, 'c.json')));
    expect(await codeOf(restore(join(temporaryFolder(), 'out')))).toBe('WeightsMissing');
  });
});

describe('a save with packs that is cut off', () => {
  const NEXT: Files = { ...MIXED, 'c.json': '{"changed":1}', 'e/new.txt': 'new', 'e/newer.txt': 'newer' };

  it('at any call to the bucket leaves the earlier revision, and a repeat succeeds', async () => {
    const start = async (before?: (call: Call, index: number) => void) => {
      const inner = localBucket();
      const previous = await save(new PackingBucket(inner), MIXED);
      const bucket = new PackingBucket(inner, before);
      const work = () => save(bucket, NEXT, 2, { earlier: () => placesOf(bucket, previous) });
      return { inner, previous, bucket, work };
    };
    const complete = await start();
    await complete.work();
    const calls = complete.bucket.calls.length;
    expect(calls).toBeGreaterThan(15);

    for (let last = 1; last <= calls; last += 1) {
      const { inner, previous, work } = await start((_call, index) => {
        if (index >= last) throw new Killed();
      });

      expect(await codeOf(work())).toBe('Killed');

      expect(await textsIn((await load(inner, previous)).directory)).toEqual(MIXED);
      const again = new PackingBucket(inner);
      const repeated = await save(again, NEXT, 2, { earlier: () => placesOf(again, previous) });
      expect(await textsIn((await load(inner, repeated)).directory)).toEqual(NEXT);
    }
  });

  it('at any request to Cloud Storage, ahead of it or after, leaves the earlier revision, and a repeat succeeds', async () => {
    const server = await startGcsServer('weights-of-tests');
    onTestFinished(() => server.close());
    let prefixes = 0;
    const start = async (signal?: AbortSignal) => {
      prefixes += 1;
      const place = { ...testPlace(server, 'weights-of-tests', instantPace(server)), pieceBytes: 1 << 20 };
      const bucket = testBucket(place, `run-${prefixes}`);
      const previous = await save(bucket, MIXED);
      const work = (more = {}) =>
        save(bucket, NEXT, 2, { earlier: () => placesOf(bucket, previous), ...more });
      return { bucket, previous, work: () => work(signal && { signal }), repeat: () => work() };
    };
    const complete = await start();
    const before = server.requests.length;
    await complete.work();
    const requests = server.requests.length - before;
    expect(requests).toBeGreaterThan(15);

    for (let last = 1; last <= requests; last += 1)
      for (const when of ['before', 'after'] as const) {
        const abort = new AbortController();
        const { bucket, previous, work, repeat } = await start(abort.signal);
        const end = server.requests.length + last;
        server.decide = ({ number }) => {
          if (number < end) return { kind: 'pass' };
          abort.abort(new Killed());
          return { kind: 'reset', when };
        };
        const code = await codeOf(work());
        server.decide = () => ({ kind: 'pass' });
        // Whatever is asked without a signal is told by the bucket instead.
        expect(['Killed', 'Cancelled', 'BucketUnavailable']).toContain(code);

        expect(await textsIn((await load(bucket, previous)).directory)).toEqual(MIXED);
        expect(await textsIn((await load(bucket, await repeat())).directory)).toEqual(NEXT);
      }
  });

  it(`or damaged by the network, in ${SCHEDULES} seeded schedules of faults, hands out no wrong byte and loses no revision`, async () => {
    const server = await startGcsServer('weights-of-tests');
    onTestFinished(() => server.close());
    const ends = new Map<string, number>();
    const tell = (end: string): void => void ends.set(end, (ends.get(end) ?? 0) + 1);
    const first = Number(process.env.PACK_FAULT_SEED ?? 1);
    for (let seed = first; seed < first + SCHEDULES; seed += 1) {
      const random = seededRandom(seed);
      const pace = instantPace(server, { random, attempts: 4 });
      const bucket = testBucket(
        { ...testPlace(server, 'weights-of-tests', pace), pieceBytes: 1 << 20 },
        `seed-${seed}`,
      );
      const previous = await save(bucket, MIXED);
      const earlier = () => placesOf(bucket, previous);
      const share = [0.05, 0.2, 0.5][seed % 3]!;
      server.decide = ({ call }) => (random() < share ? faultOf(random, call) : { kind: 'pass' });

      const saved = await save(bucket, NEXT, 2, { earlier }).catch((error: unknown) => {
        tell(codeAmong(error, seed));
      });
      for (const [weights, files] of [
        [previous, MIXED],
        [saved, NEXT],
      ] as const) {
        if (!weights) continue;
        const end = await load(
          bucket,
          weights,
          fileCache(1 << 30, temporaryFolder(), { partBytes: 2_000 }),
        ).then(
          async ({ directory }) => {
            expect(await textsIn(directory), `PACK_FAULT_SEED=${seed}`).toEqual(files);
            return 'loaded';
          },
          (error: unknown) => codeAmong(error, seed),
        );
        tell(end);
      }

      server.settle();
      server.decide = () => ({ kind: 'pass' });
      expect(await textsIn((await load(bucket, previous)).directory)).toEqual(MIXED);
      const repeated = saved ?? (await save(bucket, NEXT, 2, { earlier }));
      expect(await textsIn((await load(bucket, repeated)).directory), `PACK_FAULT_SEED=${seed}`).toEqual(
        NEXT,
      );
    }
    expect(ends.get('loaded')).toBeGreaterThan(SCHEDULES / 2);
    expect(ends.get('BucketUnavailable')).toBeGreaterThan(SCHEDULES / 10);
  });
});

/** What saves have written into buckets without packs ever since. */
const MANIFEST_OF_SMALL = JSON.stringify({
  configuration: { gamma: 0.1 },
  createdAt: '2026-01-01T00:00:00.000Z',
  files: Object.entries(SMALL).map(([path, text]) => ({
    path,
    sha256: sha256Of(text),
    sizeBytes: text.length,
  })),
  formatVersion: 1,
  lineage: {},
  revision: 1,
  snapshotId: 'digits',
});

/** All that a save or a load may end with when the network and the service misbehave. */
const FAILURES = [
  'BucketUnavailable',
  'BucketAccessDenied',
  'ObjectDamaged',
  'ObjectReplaced',
  'BucketCallRefused',
  'WeightsCorrupt',
];

function codeAmong(error: unknown, seed: number): string {
  const { code } = error as { code: string };
  if (!FAILURES.includes(code)) throw new Error(`PACK_FAULT_SEED=${seed}`, { cause: error });
  return code;
}

function faultOf(random: () => number, call: GcsCall): Fault {
  const share = random();
  const faults: Fault[] = [
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429 },
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'after' },
    { kind: 'truncate', share },
    ...(call === 'read' || call === 'upload' ? ([{ kind: 'corrupt' }] as const) : []),
    ...(call === 'upload' ? ([{ kind: 'late', requests: 1 + Math.floor(share * 8) }] as const) : []),
  ];
  return faults[Math.floor(random() * faults.length)]!;
}

class Killed extends Error {
  readonly code = 'Killed';
}

async function failureOf(work: Promise<unknown>): Promise<{ code?: string; details?: { file?: string } }> {
  return work.then(
    () => ({}),
    (error: unknown) => error as { code: string; details: { file?: string } },
  );
}
