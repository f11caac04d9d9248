import { chmod, mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bucket, ReadOptions } from '../../../shared/buckets/bucket.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { canonicalJson } from '../../../shared/json.ts';
import { loadFiles } from '../../../shared/snapshots/files/load-files.ts';
import { codeOf, textOf } from '../../contracts/bucket.contract.ts';
import { OPENERS } from '../buckets/openers.ts';
import { WatchedBucket } from '../buckets/watched-bucket.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { alterFile, fileCache, load, localBucket, save, textsIn } from './weights.ts';

const FILES = { 'model.bin': 'weights', 'labels/en.json': '["a"]', empty: '' };

function objectOf(saved: { files: { path: string; sha256: string }[] }, path: string): string {
  return `objects/${saved.files.find((file) => file.path === path)!.sha256}`;
}

async function overwrite(path: string, text: string): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, text);
}

describe('loading weights', () => {
  it('fetches once: the second load in a process and the first of another process read the cache', async () => {
    const bucket = new WatchedBucket(localBucket());
    const saved = await save(bucket, FILES);
    const folder = temporaryFolder();
    const cache = fileCache(1 << 30, folder);

    const cold = await load(bucket, saved, cache);
    bucket.calls.length = 0;
    const warm = await load(bucket, saved, cache);
    const other = await load(bucket, saved, fileCache(1 << 30, folder));

    expect(cold).toMatchObject({ fromCache: false, sizeBytes: 12 });
    expect(cold.fetchedBytes).toBeGreaterThan(12);
    expect(warm).toMatchObject({ fromCache: true, fetchedBytes: 0, directory: cold.directory });
    expect(other).toMatchObject({ fromCache: true, fetchedBytes: 0 });
    expect(bucket.calls).toEqual([]);
    for (const { directory } of [cold, other]) expect(await textsIn(directory)).toEqual(FILES);
  });

  it('takes a manifest that the store has, by its digest, and asks the bucket for any other', async () => {
    const bucket = new WatchedBucket(localBucket());
    const saved = await save(bucket, FILES);
    const readFor = async (recorded: string | undefined) => {
      bucket.calls.length = 0;
      const options = { bucket, weights: saved, cache: fileCache(), snapshotId: 'digits' };
      const { directory } = await loadFiles({ ...options, recorded: async () => recorded });
      expect(await textsIn(directory)).toEqual(FILES);
      return bucket.calls.filter(({ key }) => key === saved.manifestKey).length;
    };

    expect(await readFor(saved.manifestText)).toBe(0);
    expect(await readFor(saved.manifestText!.replace('model.bin', 'modem.bin'))).toBe(1);
    expect(await readFor(undefined)).toBe(1);
  });

  it('asks once more for a file that came with other bytes', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    let reads = 0;
    class NoisyLine extends WatchedBucket {
      override async *read(key: string, options?: ReadOptions): AsyncGenerator<Uint8Array> {
        if (key === objectOf(saved, 'model.bin')) reads += 1;
        if (key === objectOf(saved, 'model.bin') && reads === 1) yield Buffer.from('weightz');
        else yield* super.read(key, options);
      }
    }
    const noisy = new NoisyLine(bucket);

    const { directory } = await load(noisy, saved);

    expect(await textsIn(directory)).toEqual(FILES);
    expect(reads).toBe(2);
  });

  it('fetches of the next revision only what changed', async () => {
    const bucket = new WatchedBucket(localBucket());
    const one = await save(bucket, FILES);
    const two = await save(bucket, { ...FILES, 'model.bin': 'better' }, 2);
    const cache = fileCache();
    await load(bucket, one, cache);
    bucket.calls.length = 0;

    const loaded = await load(bucket, two, cache);

    const reads = bucket.calls.filter(({ operation }) => operation === 'read').map(({ key }) => key);
    expect(reads).toEqual([two.manifestKey, objectOf(two, 'model.bin')]);
    expect(await textsIn(loaded.directory)).toEqual({ ...FILES, 'model.bin': 'better' });
  });

  it.each(Object.entries(OPENERS))(
    'finds one altered byte in a %s bucket, and names it',
    async (_type, open) => {
      const { bucket } = await open();
      const saved = await save(bucket, FILES);
      await alterFile(bucket, saved, 'model.bin', 'weighty');

      const failure = await load(bucket, saved).catch((error: unknown) => error);

      expect(failure).toMatchObject({
        code: 'WeightsCorrupt',
        statusCode: 422,
        details: {
          snapshotId: 'digits',
          file: 'model.bin',
          expected: sha256Of('weights'),
          found: sha256Of('weighty'),
        },
      });
      for (const part of ['digits', 'model.bin', sha256Of('weights'), sha256Of('weighty')])
        expect((failure as Error).message).toContain(part);
    },
  );

  it.each(['weight', 'weights!', ''])('finds an object of another length: %j', async (text) => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    await bucket.write(objectOf(saved, 'model.bin'), Buffer.from(text));

    expect(await codeOf(load(bucket, saved))).toBe('WeightsCorrupt');
  });

  it('hands out nothing, and keeps nothing, of damaged weights', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    const folder = temporaryFolder();
    await bucket.write(objectOf(saved, 'model.bin'), Buffer.from('weighty'));

    await load(bucket, saved, fileCache(1 << 30, folder)).catch(() => {});

    const kept = await readdir(folder, { recursive: true });
    expect(kept.filter((path) => path.includes(sha256Of('weighty')) || path.endsWith('model.bin'))).toEqual(
      [],
    );
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  it('fetches a cached file again that was altered, in this process or before it began', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    const folder = temporaryFolder();
    const cache = fileCache(1 << 30, folder);
    const first = await load(bucket, saved, cache);

    await overwrite(join(first.directory, 'model.bin'), 'weighty');
    const second = await load(bucket, saved, cache);
    expect(await textsIn(second.directory)).toEqual(FILES);
    expect(second.fetchedBytes).toBe(7);
    expect(second.directory).not.toBe(first.directory);

    await overwrite(join(second.directory, 'model.bin'), 'WEIGHTS');
    const third = await load(bucket, saved, fileCache(1 << 30, folder));
    expect(await textsIn(third.directory)).toEqual(FILES);
  });

  it('hands out files that cannot be written by mistake', async () => {
    const bucket = localBucket();
    const { directory } = await load(bucket, await save(bucket, FILES));

    expect((await stat(join(directory, 'model.bin'))).mode & 0o777).toBe(0o400);
  });

  it('refuses a manifest that was altered, or is none', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    const text = await textOf(bucket, saved.manifestKey);
    await bucket.write(saved.manifestKey, Buffer.from(text.replace('0.1', '0.2')));

    expect(await codeOf(load(bucket, saved))).toBe('WeightsCorrupt');
  });

  it('tells what is gone: the manifest, or an object of it', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);

    await bucket.delete(objectOf(saved, 'model.bin'));
    await expect(load(bucket, saved)).rejects.toMatchObject({
      code: 'WeightsMissing',
      details: { file: 'model.bin' },
    });
    await bucket.delete(saved.manifestKey);
    expect(await codeOf(load(bucket, saved))).toBe('WeightsMissing');
  });

  it('lets many loads run at once on one cache', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    const folder = temporaryFolder();
    const caches = [fileCache(1 << 30, folder), fileCache(1 << 30, folder)];

    const loads = Array.from({ length: 12 }, (_, index) => load(bucket, saved, caches[index % 2]!));

    for (const { directory } of await Promise.all(loads)) expect(await textsIn(directory)).toEqual(FILES);
  });

  it('on a full disk answers StorageUnavailable', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, FILES);
    const file = join(temporaryFolder(), 'file');
    await writeFile(file, '');

    expect(await codeOf(load(bucket, saved, fileCache(1, file)))).toBe('StorageUnavailable');
  });
});

describe('loading hostile manifests', () => {
  const sha256 = sha256Of('x');
  const PACK = { sha256: sha256Of('xyy'), sizeBytes: 3 };
  const manifest = {
    formatVersion: 1,
    snapshotId: 'digits',
    revision: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    files: [{ path: 'x', sizeBytes: 1, sha256 }],
    configuration: {},
    lineage: {},
  };
  const withPaths = (...paths: string[]) => ({
    ...manifest,
    files: paths.map((path) => ({ path, sizeBytes: 1, sha256 })),
  });

  const file = (index: number, sizeBytes: number) => ({ path: `x${index}`, sizeBytes, sha256 });
  /** Two files in a pack, with something else about the first of them, or the pack. */
  const packed = (first = {}, pack = {}) => ({
    ...manifest,
    formatVersion: 2,
    files: [
      { path: 'x', sizeBytes: 1, sha256, pack: 0, offset: 0, ...first },
      { path: 'y', sizeBytes: 2, sha256: sha256Of('yy'), pack: 0, offset: 1 },
    ],
    packs: [{ ...PACK, ...pack }],
  });

  async function plant(bucket: Bucket, text: string) {
    const manifestKey = 'manifests/1.0000000000000000.json';
    await bucket.write(`objects/${sha256}`, Buffer.from('x'));
    await bucket.write(`objects/${PACK.sha256}`, Buffer.from('xyy'));
    await bucket.write(manifestKey, Buffer.from(text));
    return { manifestKey, manifestSha256: sha256Of(text) };
  }

  it('the honest ones of these tests load', async () => {
    const bucket = localBucket();
    const plain = await load(bucket, await plant(bucket, canonicalJson(manifest)));
    expect(await textsIn(plain.directory)).toEqual({ x: 'x' });

    const inPack = await load(bucket, await plant(bucket, canonicalJson(packed())));
    expect(await textsIn(inPack.directory)).toEqual({ x: 'x', y: 'yy' });
  });

  it.each([
    ['no JSON', 'x'],
    ['no object', '[]'],
    ['another version', canonicalJson({ ...manifest, formatVersion: 3 })],
    ['a path that climbs', canonicalJson(withPaths('../up'))],
    ['an absolute path', canonicalJson(withPaths('/etc/cron.d/x'))],
    ['a file twice', canonicalJson(withPaths('x', 'x'))],
    ['names that differ in case only', canonicalJson(withPaths('x', 'X'))],
    ['a file that is a folder too', canonicalJson(withPaths('x', 'x/y'))],
    ['no file', canonicalJson(withPaths())],
    [
      'a digest that is a path',
      canonicalJson({ ...manifest, files: [{ path: 'x', sizeBytes: 1, sha256: '../x' }] }),
    ],
    ['a negative size', canonicalJson({ ...manifest, files: [{ path: 'x', sizeBytes: -1, sha256 }] })],
    [
      'a size beyond any disk',
      canonicalJson({ ...manifest, files: [{ path: 'x', sizeBytes: 1e300, sha256 }] }),
    ],
    ['a wrong size', canonicalJson({ ...manifest, files: [{ path: 'x', sizeBytes: 2, sha256 }] })],
    ['one digest with two sizes', canonicalJson({ ...manifest, files: [file(0, 1), file(1, 2)] })],
    ['version 2 without packs', canonicalJson({ ...manifest, formatVersion: 2 })],
    ['version 2 with an empty list of packs', canonicalJson({ ...manifest, formatVersion: 2, packs: [] })],
    ['packs in version 1', canonicalJson({ ...packed(), formatVersion: 1 })],
    ['a pack that no file lies in', canonicalJson({ ...packed(), packs: [PACK, { ...PACK, sha256 }] })],
    [
      'a pack listed twice',
      canonicalJson({
        ...packed({ pack: 1 }),
        packs: [PACK, PACK],
      }),
    ],
    ['a place in a pack that is not listed', canonicalJson(packed({ pack: 1 }))],
    ['a place in a pack before the first', canonicalJson(packed({ pack: -1 }))],
    ['a place between two packs', canonicalJson(packed({ pack: 0.5 }))],
    ['a pack without an offset', canonicalJson(packed({ offset: undefined }))],
    ['an offset without a pack', canonicalJson(packed({ pack: undefined }))],
    ['an offset before the pack', canonicalJson(packed({ offset: -1 }))],
    ['an offset that is text', canonicalJson(packed({ offset: '0' }))],
    ['an offset beyond any number', canonicalJson(packed({ offset: 1e300 }))],
    ['an offset behind the pack', canonicalJson(packed({ offset: 3 }))],
    ['a file that reaches out of its pack', canonicalJson(packed({ sizeBytes: 4 }))],
    ['files that lie over each other', canonicalJson(packed({ sizeBytes: 2 }))],
    ['a file too large for a pack', canonicalJson(packed({ sizeBytes: 2 ** 21 }, { sizeBytes: 2 ** 22 }))],
    ['a pack too large', canonicalJson(packed({}, { sizeBytes: 2 ** 30 }))],
    ['a pack of less than nothing', canonicalJson(packed({}, { sizeBytes: -1 }))],
    ['a pack whose digest is a path', canonicalJson(packed({}, { sha256: '../x' }))],
    ['a pack with the digest of a file of another size', canonicalJson(packed({}, { sha256 }))],
  ])('refuses %s', async (_name, text) => {
    const bucket = localBucket();
    expect(await codeOf(load(bucket, await plant(bucket, text)))).toBe('WeightsCorrupt');
  });
});

describe('loading bare files that a user put into the bucket', () => {
  it('takes all of them, cached by their state, and reads again what was replaced', async () => {
    const bucket = new WatchedBucket(localBucket());
    for (const [key, text] of Object.entries(FILES)) await bucket.write(key, Buffer.from(text));
    const cache = fileCache();

    const cold = await load(bucket, null, cache);
    const warm = await load(bucket, null, cache);
    await bucket.write('model.bin', Buffer.from('weighty'));
    const changed = await load(bucket, null, cache);

    expect(await textsIn(cold.directory)).toEqual(FILES);
    expect(cold).toMatchObject({ manifest: null, fetchedBytes: 12, fromCache: false });
    expect(warm).toMatchObject({ directory: cold.directory, fetchedBytes: 0, fromCache: true });
    expect(await textsIn(changed.directory)).toEqual({ ...FILES, 'model.bin': 'weighty' });
    expect(changed.fetchedBytes).toBe(7);
    expect(await textsIn(cold.directory)).toEqual(FILES);
  });

  it('leaves out what saved revisions put there', async () => {
    const bucket = localBucket();
    await save(bucket, FILES);
    await bucket.write('objects/mine.bin', Buffer.from('m'));

    expect(await textsIn((await load(bucket, null)).directory)).toEqual({ 'objects/mine.bin': 'm' });
  });

  it('says what to do when there is none', async () => {
    await expect(load(localBucket(), null)).rejects.toMatchObject({
      code: 'WeightsMissing',
      statusCode: 404,
      message: expect.stringMatching(/no weights yet.*[Tt]rain/),
    });
  });

  it('refuses names that clash and links that leave', async () => {
    const clashing = localBucket();
    await clashing.write('a', Buffer.from('x'));
    await clashing.write('A', Buffer.from('y'));
    const root = temporaryFolder();
    await symlink('/etc/hostname', join(root, 'link'));

    expect(await codeOf(load(clashing, null))).toBe('WeightsCorrupt');
    expect(await codeOf(load(localBucket(root), null))).toBe('FileRefused');
  });

  it('takes no part of a file for the whole', async () => {
    const inner = localBucket();
    await inner.write('model.bin', Buffer.from('weights'));
    const cut = new WatchedBucket(inner);
    cut.read = async function* (key) {
      yield* inner.read(key, { end: 3 });
    };

    expect(await codeOf(load(cut, null))).toBe('WeightsChanging');
  });

  it('tells when a file is replaced while it is read', async () => {
    const inner = localBucket();
    await inner.write('model.bin', Buffer.from('weights'));
    const racing = new WatchedBucket(inner, async ({ operation }) => {
      if (operation === 'read') await inner.write('model.bin', Buffer.from('WEIGHTS'));
    });

    expect(await codeOf(load(racing, null))).toBe('WeightsChanging');
    expect(await textsIn((await load(inner, null)).directory)).toEqual({ 'model.bin': 'WEIGHTS' });
  });
});

describe('the limit of the cache', () => {
  const big = (letter: string) => ({ [`${letter}.bin`]: letter.repeat(100_000) });

  async function usedBytes(folder: string): Promise<number> {
    const sizes = new Map<number, number>();
    for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const { ino, size } = await stat(join(entry.parentPath, entry.name));
      sizes.set(ino, size);
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  it('is kept by dropping what was released and used longest ago', async () => {
    const bucket = localBucket();
    const folder = temporaryFolder();
    const cache = fileCache(250_000, folder);
    const saved = [];
    for (const letter of ['a', 'b', 'c', 'd']) saved.push(await save(bucket, big(letter)));

    for (const each of saved) {
      (await load(bucket, each, cache)).release();
      await cache.trim();
      expect(await usedBytes(folder)).toBeLessThanOrEqual(250_000);
    }

    expect((await load(bucket, saved[3]!, cache)).fetchedBytes).toBe(0);
    expect((await load(bucket, saved[0]!, cache)).fetchedBytes).toBeGreaterThan(100_000);
  });

  it('never takes files from a folder in use', async () => {
    const bucket = localBucket();
    const folder = temporaryFolder();
    const cache = fileCache(0, folder);
    const held = [];
    for (const letter of ['a', 'b', 'c'])
      held.push(await load(bucket, await save(bucket, big(letter)), cache));

    for (const [index, { directory }] of held.entries())
      expect(await textsIn(directory)).toEqual(big('abc'[index]!));
    for (const { release } of held) release();
    await cache.trim();
    expect(await usedBytes(folder)).toBe(0);
  });

  it('keeps what a living process holds for the others to use', async () => {
    const bucket = localBucket();
    const folder = temporaryFolder();
    const saved = await save(bucket, big('a'));
    await load(bucket, saved, fileCache(0, folder));

    const cache = fileCache(0, folder);
    const other = await load(bucket, saved, cache);
    await cache.trim();

    expect(other.fetchedBytes).toBeLessThan(100_000);
    expect(await usedBytes(folder)).toBe(100_000);
  });

  it('leaves the folders of living processes and of other machines, and sweeps those of dead ones', async () => {
    const folder = temporaryFolder();
    const bucket = localBucket();
    const alive = await load(bucket, await save(bucket, big('a')), fileCache(0, folder));
    const [own] = await readdir(join(folder, 'handed'));
    const host = own!.split('.')[1]!;
    for (const name of [`4194305.${host}.abc`, '4194305.elsewhere.abc', '4194305.longago.abc']) {
      await mkdir(join(folder, 'handed', name));
      await writeFile(join(folder, 'handed', name, 'left'), 'x');
    }
    await utimes(join(folder, 'handed/4194305.longago.abc'), 1, 1);

    await fileCache(0, folder).trim();

    expect(await textsIn(alive.directory)).toEqual(big('a'));
    expect((await readdir(join(folder, 'handed'))).sort()).toEqual([own, '4194305.elsewhere.abc'].sort());
  });

  it('is kept by two that load and release at the same time, and every load is whole', async () => {
    const bucket = localBucket();
    const folder = temporaryFolder();
    const saved = await Promise.all(
      ['a', 'b', 'c'].map((letter) => save(bucket, { ...big(letter), common: 'x' })),
    );
    const worker = async (cache = fileCache(100_000, folder)) => {
      for (let round = 0; round < 9; round += 1) {
        const loaded = await load(bucket, saved[round % 3]!, cache);
        expect(await textsIn(loaded.directory)).toEqual({ ...big('abc'[round % 3]!), common: 'x' });
        loaded.release();
      }
    };

    await Promise.all([worker(), worker(), worker()]);
  });
});
