import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { HeldBytes } from '../../../shared/snapshots/files/ordered-digest.ts';
import { RequestBudget } from '../../../shared/snapshots/files/request-budget.ts';
import { codeOf } from '../../contracts/bucket.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { HeldBucket, seeded } from './held-bucket.ts';
import { fileCache, load, localBucket, save, textsIn } from './weights.ts';

const BASE = { 'backbone.bin': 'b'.repeat(3_000_000), 'labels.json': '["a"]' };

/** A base model and fine-tunes of it, each with a head of its own, in one bucket. */
async function fineTunes(count: number) {
  const bucket = new HeldBucket({ holds: false });
  const saved = [];
  for (let index = 0; index < count; index += 1)
    saved.push(await save(bucket, { ...BASE, 'head.bin': `head ${index} `.repeat(1000) }, index + 1));
  bucket.reads.length = 0;
  bucket.movedBytes = 0;
  return { bucket, saved, headBytes: 'head 0 '.length * 1000 };
}

describe('snapshots that have files in common', () => {
  it('fetch what differs, and the rest once, one after the other', async () => {
    const { bucket, saved, headBytes } = await fineTunes(3);
    const cache = fileCache();

    await load(bucket, saved[0]!, cache);
    const [movedFirst] = [bucket.movedBytes];
    const second = await load(bucket, saved[1]!, cache);

    expect(movedFirst).toBeGreaterThan(3_000_000);
    expect(second.fetchedBytes).toBe(bucket.movedBytes - movedFirst);
    expect(second.fetchedBytes).toBeLessThan(headBytes + 2000);
  });

  it.each([1, 2, 3])('fetch each file once when they are loaded at the same time (seed %i)', async (seed) => {
    const { bucket, saved, headBytes } = await fineTunes(4);
    bucket.holds = true;
    const cache = fileCache();

    const loads = Promise.all([...saved, ...saved].map((each) => load(bucket, each, cache)));
    const loaded = await bucket.release(loads, seeded(seed));

    const keys = bucket.reads.map(({ key, start }) => `${key} from ${start}`);
    const objects = keys.filter((key) => key.startsWith('objects/'));
    expect(new Set(objects).size).toBe(objects.length);
    expect(bucket.movedBytes).toBeLessThan(3_000_000 + 4 * headBytes + 8 * 1000);
    expect(loaded.reduce((sum, { fetchedBytes }) => sum + fetchedBytes, 0)).toBe(bucket.movedBytes);
    for (const [index, { directory }] of loaded.entries())
      expect(await textsIn(directory)).toEqual({
        ...BASE,
        'head.bin': `head ${index % 4} `.repeat(1000),
      });
  });

  it('tell each load that waits for damaged bytes what is wrong, and keep none of them', async () => {
    const { bucket, saved } = await fineTunes(2);
    const key = `objects/${sha256Of(BASE['backbone.bin'])}`;
    bucket.objects.set(key, new Uint8Array(3_000_000));
    const folder = temporaryFolder();
    const cache = fileCache(1 << 30, folder);

    const codes = await Promise.all(saved.map((each) => codeOf(load(bucket, each, cache))));

    expect(codes).toEqual(['WeightsCorrupt', 'WeightsCorrupt']);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    const kept = await readdir(join(folder, 'objects'), { recursive: true });
    expect(kept).not.toContain(sha256Of(new Uint8Array(3_000_000)));
  });

  it('are whole when the cache has room for nothing and is trimmed all the while', async () => {
    const { bucket, saved } = await fineTunes(3);
    const cache = fileCache(0);
    let isOver = false;
    const trimming = (async () => {
      while (!isOver) await cache.trim();
    })();

    const loaded = await Promise.all([...saved, ...saved].map((each) => load(bucket, each, cache)));
    isOver = true;
    await trimming;

    for (const { directory } of loaded) expect(await textsIn(directory)).toMatchObject(BASE);
  });
});

it('two processes that fetch the same objects at once both end with all of them, and the cache keeps one', async () => {
  const root = temporaryFolder();
  const folder = temporaryFolder();
  const saved = await save(localBucket(root), BASE);
  const processes = [1, 2].map(() => {
    const child = fork(join(import.meta.dirname, 'load-in-process.ts'), [
      root,
      folder,
      JSON.stringify(saved),
    ]);
    onTestFinished(() => void child.kill());
    return child;
  });
  await Promise.all(processes.map((child) => once(child, 'message')));

  const loaded = processes.map((child) => once(child, 'message'));
  for (const child of processes) child.send('go');

  for (const [texts] of await Promise.all(loaded))
    expect(texts).toEqual({
      'backbone.bin': sha256Of(BASE['backbone.bin']),
      'labels.json': sha256Of('["a"]'),
    });
  const objects = await readdir(join(folder, 'objects'), { recursive: true, withFileTypes: true });
  expect(objects.filter((entry) => entry.isFile())).toHaveLength(3);
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});

it('loads of one container share one budget of requests', async () => {
  const { bucket, saved } = await fineTunes(3);
  bucket.holds = true;
  const line = { requests: new RequestBudget(2), held: new HeldBytes(1 << 20), partBytes: 500_000 };
  const cache = fileCache(1 << 30, temporaryFolder(), line);
  let most = 0;

  const loads = Promise.all(saved.map((each) => load(bucket, each, cache)));
  await bucket.release(loads, (count) => {
    most = Math.max(most, bucket.gates.filter(({ key }) => key.startsWith('objects/')).length);
    return count - 1;
  });

  expect(most).toBe(2);
});
