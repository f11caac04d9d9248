import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { FileCache } from '../../../shared/snapshots/files/file-cache.ts';
import { HeldBytes } from '../../../shared/snapshots/files/ordered-digest.ts';
import { RequestBudget } from '../../../shared/snapshots/files/request-budget.ts';
import { codeOf } from '../../contracts/bucket.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { HeldBucket, type ReadFault, seeded, seededBytes } from './held-bucket.ts';

const SIZE_BYTES = 1_500_007;
const PART_BYTES = 200_000;
const PARTS = Math.ceil(SIZE_BYTES / PART_BYTES);

interface Scene {
  bucket: HeldBucket;
  bytes: Uint8Array;
  sha256: string;
  folder: string;
  held: HeldBytes;
  requests: RequestBudget;
  cache: FileCache;
  fetch: (signal?: AbortSignal) => Promise<unknown>;
}

function scene(
  seed: number,
  options: {
    faults?: ReadFault[];
    heldBytes?: number;
    requests?: number;
    canReadRanges?: boolean;
    partBytes?: number;
    sizeBytes?: number;
  } = {},
): Scene {
  const random = seeded(seed);
  const bucket = new HeldBucket({ ...options, chunkBytes: () => 20_000 + random(60_000) });
  const bytes = seededBytes(seed, options.sizeBytes ?? SIZE_BYTES);
  const sha256 = sha256Of(bytes);
  bucket.objects.set('model', bytes);
  const held = new HeldBytes(options.heldBytes ?? 64 * 2 ** 20);
  const requests = new RequestBudget(options.requests ?? 4);
  const folder = temporaryFolder();
  const line = { held, requests, partBytes: options.partBytes ?? PART_BYTES };
  const cache = new FileCache({ directory: folder, maxBytes: 1 << 30, line });
  const object = { bucket: bucket.guarded(), key: 'model', sizeBytes: bytes.byteLength };
  const target = join(folder, 'out');
  const fetch = (signal?: AbortSignal) => cache.fetch(object, { name: sha256, target, signal });
  return { bucket, bytes, sha256, folder, held, requests, cache, fetch };
}

/** Nothing waits in memory, no request is out, no unfinished file is left. */
async function expectClean({ held, requests, folder, bucket }: Scene): Promise<void> {
  expect(held.take(held.limit)).toBe(true);
  const taken = await Promise.all(
    Array.from({ length: requests.limit }, () => requests.run(AbortSignal.any([]), async () => 'free')),
  );
  expect(taken).toHaveLength(requests.limit);
  expect(bucket.gates).toEqual([]);
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
}

describe('a file fetched in parts', () => {
  const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

  it.each(SEEDS)('is whole and has its digest in whatever order its parts come (seed %i)', async (seed) => {
    for (const heldBytes of [0, 250_000, 64 * 2 ** 20])
      for (const partBytes of [PART_BYTES, 1_200_000]) {
        const at = scene(seed, { heldBytes, partBytes });

        const fetched = await at.bucket.release(at.fetch(), seeded(seed));

        expect(fetched).toEqual({ sha256: at.sha256, sizeBytes: SIZE_BYTES, movedBytes: SIZE_BYTES });
        expect(sha256Of(await readFile(join(at.folder, 'out')))).toBe(at.sha256);
        expect(at.bucket.reads).toHaveLength(Math.ceil(SIZE_BYTES / partBytes));
        await expectClean(at);
      }
  });

  it('is whole when the last part comes first and the first one last', async () => {
    const at = scene(9, { requests: PARTS, heldBytes: 300_000 });

    await at.bucket.release(at.fetch(), (count) => count - 1);

    expect(sha256Of(await readFile(join(at.folder, 'out')))).toBe(at.sha256);
    await expectClean(at);
  });

  it('asks for so many parts at once and no more', async () => {
    const at = scene(10, { requests: 3 });
    let most = 0;

    await at.bucket.release(at.fetch(), (count) => {
      most = Math.max(most, count);
      return count - 1;
    });

    expect(most).toBe(3);
  });

  it('is read whole, in one request, from a bucket that cannot read ranges', async () => {
    const at = scene(11, { canReadRanges: false });

    await at.bucket.release(at.fetch(), seeded(11));

    expect(at.bucket.reads).toEqual([{ key: 'model', start: 0, end: undefined }]);
    expect(sha256Of(await readFile(join(at.folder, 'out')))).toBe(at.sha256);
  });

  it('asks once more for what is left of a part when the bucket failed in a way that may pass', async () => {
    for (let part = 0; part < PARTS; part += 1) {
      const position = part * PART_BYTES + 1;
      const at = scene(100 + part, { faults: [{ kind: 'passing', position }] });

      await at.bucket.release(at.fetch(), seeded(part));

      expect(sha256Of(await readFile(join(at.folder, 'out')))).toBe(at.sha256);
      expect(at.bucket.reads).toHaveLength(PARTS + 1);
      expect(at.bucket.movedBytes).toBe(SIZE_BYTES);
      await expectClean(at);
    }
  });

  it.each([
    ['passing', 2, 'BucketUnavailable'],
    ['lasting', 1, 'Forbidden'],
    ['cut', 1, 'ContentCut'],
    ['surplus', 1, 'ContentTooLarge'],
  ] as const)('of which any part is %s (%i times) is refused with all it had', async (kind, times, code) => {
    for (let part = 0; part < PARTS; part += 1) {
      const faults = [{ kind, position: part * PART_BYTES + 100, times }];
      const at = scene(200 + part, { faults, heldBytes: part % 2 === 0 ? 64 * 2 ** 20 : 100_000 });

      expect(await codeOf(at.bucket.release(at.fetch(), seeded(part)))).toBe(code);

      expect((await readdir(at.folder, { recursive: true })).sort()).toEqual(['tmp']);
      await expectClean(at);
    }
  });

  it('tells another digest for one flipped bit in any part', async () => {
    for (let part = 0; part < PARTS; part += 1) {
      const at = scene(300 + part, { faults: [{ kind: 'flip', position: part * PART_BYTES + 5 }] });

      const { sha256 } = (await at.bucket.release(at.fetch(), seeded(part))) as { sha256: string };

      expect(sha256).not.toBe(at.sha256);
      expect(sha256).toBe(sha256Of(await readFile(join(at.folder, 'out'))));
    }
  });

  it('is given up at once when its caller is aborted, and leaves nothing', async () => {
    for (const opened of [0, 1, 5, 12]) {
      const at = scene(400 + opened);
      const caller = new AbortController();
      const reason = new Error('enough');
      const fetching = at.fetch(caller.signal);
      fetching.catch(() => undefined);
      for (let count = 0; count < opened; count += 1) {
        (await at.bucket.nextGate()).open();
        at.bucket.gates.shift();
      }

      await at.bucket.nextGate();
      caller.abort(reason);

      await expect(fetching).rejects.toBe(reason);
      await expect.poll(() => readdir(join(at.folder, 'tmp'))).toEqual([]);
      await expectClean(at);
    }
  });

  it('goes on for who still waits when the one it was begun for is aborted, and ends with the last', async () => {
    const at = scene(600);
    const callers = [new AbortController(), new AbortController(), new AbortController()];
    const target = (index: number) => join(at.folder, `out-${index}`);
    const object = { bucket: at.bucket.guarded(), key: 'model', sizeBytes: SIZE_BYTES };
    const fetches = callers.map(({ signal }, index) =>
      at.cache.fetch(object, { name: at.sha256, target: target(index), signal }),
    );
    await at.bucket.nextGate();

    callers[0]!.abort(new Error('gone'));
    const rest = await at.bucket.release(Promise.allSettled(fetches), seeded(6));

    expect(rest.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(at.bucket.reads).toHaveLength(PARTS);
    for (const index of [1, 2]) expect(sha256Of(await readFile(target(index)))).toBe(at.sha256);
    expect((await readdir(at.folder)).sort()).toEqual(['objects', 'out-1', 'out-2', 'tmp']);
    await expectClean(at);
  });

  it('is given up when the last of those who wait is aborted, and can be asked for again', async () => {
    const at = scene(700);
    const callers = [new AbortController(), new AbortController()];
    const fetches = callers.map(({ signal }) => at.fetch(signal));
    await at.bucket.nextGate();

    for (const caller of callers) caller.abort(new Error('gone'));
    for (const fetching of fetches) await expect(fetching).rejects.toThrow('gone');
    await at.bucket.release(at.fetch(), seeded(7));

    expect(sha256Of(await readFile(join(at.folder, 'out')))).toBe(at.sha256);
    await expectClean(at);
  });

  it('too small for parts is fetched whole, and an empty one too', async () => {
    for (const sizeBytes of [0, 1, 70_000, 1 << 20]) {
      const at = scene(500, { sizeBytes });

      await at.bucket.release(at.fetch(), seeded(1));

      expect(at.bucket.reads).toEqual([{ key: 'model', start: 0, end: undefined }]);
      expect(sha256Of(await readFile(join(at.folder, 'out')))).toBe(at.sha256);
    }
  });
});
