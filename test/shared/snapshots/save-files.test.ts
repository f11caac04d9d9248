import { fork } from 'node:child_process';
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { ModelfnError } from '../../../shared/errors.ts';
import { codeOf, listOf, textOf } from '../../contracts/bucket.contract.ts';
import { OPENERS } from '../buckets/openers.ts';
import { WatchedBucket } from '../buckets/watched-bucket.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { load, localBucket, save, textsIn, writeFiles } from './weights.ts';

const ONE = { 'model.bin': 'one', 'labels/en.json': '["a"]' };
const TWO = { 'model.bin': 'two', 'labels/en.json': '["a"]', 'extra/new.txt': 'new' };

describe('saving weights', () => {
  it.each(Object.entries(OPENERS))(
    'into a %s bucket lets them be loaded as they were',
    async (_type, open) => {
      const { bucket, again } = await open();
      const directory = await writeFiles(temporaryFolder(), { ...ONE, '.hidden/.keep': '' });

      const saved = await save(bucket, {}, 1, { source: directory });
      const loaded = await load(again, saved);

      expect(await textsIn(loaded.directory)).toEqual({ ...ONE, '.hidden/.keep': '' });
      expect(loaded.manifest).toMatchObject({
        snapshotId: 'digits',
        revision: 1,
        configuration: { gamma: 0.1 },
      });
      expect(saved.manifestKey).toBe(`manifests/1.${saved.manifestSha256.slice(0, 16)}.json`);
      expect(saved).toMatchObject({ sizeBytes: 8, uploadedBytes: 8 });
      expect(loaded.files).toEqual(saved.files);
    },
  );

  it('twice gives the same manifest and sends nothing the second time', async () => {
    const inner = localBucket();
    const first = await save(inner, ONE);
    const bucket = new WatchedBucket(inner);

    const second = await save(bucket, ONE);

    expect(second).toEqual({ ...first, uploadedBytes: 0 });
    expect(bucket.calls.filter(({ operation }) => operation === 'write')).toEqual([]);
  });

  it('asks for many files by lists, and reads back only where a bucket does not prove its writes', async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`part-${index}`, `${index}`]));
    const plain = new WatchedBucket(localBucket());
    const { bucket: proving } = await OPENERS.gcs();
    const gcs = new WatchedBucket(proving);

    await save(plain, many);
    await save(gcs, many);

    const count = ({ calls }: WatchedBucket, operation: string) =>
      calls.filter((call) => call.operation === operation && call.key.startsWith('objects/')).length;
    expect(['list', 'stat', 'write', 'read'].map((each) => count(plain, each))).toEqual([2, 0, 100, 100]);
    // All of them in one pack, looked for before and after.
    expect(['list', 'stat', 'write', 'read'].map((each) => count(gcs, each))).toEqual([1, 2, 1, 0]);
    expect(proving.capabilities.provesWrites).toBe(true);
  });

  it('reads back what another save brought meanwhile, also where writes prove themselves', async () => {
    const { bucket: proving } = await OPENERS.gcs();
    const key = `objects/${sha256Of('one')}`;
    const bucket = new WatchedBucket(proving, async (call) => {
      if (call.operation === 'write' && call.key === key && (await proving.stat(key)) === undefined)
        await proving.write(key, new TextEncoder().encode('two'));
    });

    expect(await codeOf(save(bucket, { 'model.bin': 'one' }))).toBe('WeightsCorrupt');
  });

  it('sends only what the next revision changed, once for equal files, and the manifest last', async () => {
    const bucket = new WatchedBucket(localBucket());
    await save(bucket, ONE);
    bucket.calls.length = 0;

    const saved = await save(bucket, { ...TWO, 'copy/of/model.bin': 'two' }, 2);

    const writes = bucket.calls.filter(({ operation }) => operation === 'write').map(({ key }) => key);
    expect(saved.uploadedBytes).toBe('two'.length + 'new'.length);
    expect(writes).toHaveLength(3);
    expect(writes.at(-1)).toBe(saved.manifestKey);
  });

  it('killed at any call leaves the previous revision loadable, and a repeat succeeds', async () => {
    const complete = new WatchedBucket(localBucket());
    await save(complete, ONE);
    complete.calls.length = 0;
    await save(complete, TWO, 2);
    expect(complete.calls.length).toBeGreaterThan(8);

    for (let last = 1; last <= complete.calls.length; last += 1) {
      const inner = localBucket();
      const previous = await save(inner, ONE);
      const dying = new WatchedBucket(inner, (_call, index) => {
        if (index >= last) throw new Killed();
      });

      expect(await codeOf(save(dying, TWO, 2))).toBe('Killed');

      expect(await textsIn((await load(inner, previous)).directory)).toEqual(ONE);
      const repeated = await save(inner, TWO, 2);
      expect(await textsIn((await load(inner, repeated)).directory)).toEqual(TWO);
    }
  });

  it('killed in the middle of an object leaves no part of it', async () => {
    const bucket = localBucket();
    const previous = await save(bucket, ONE);
    let opened = 0;
    const source = [
      {
        path: 'model.bin',
        open: async function* () {
          opened += 1;
          yield Buffer.from('half');
          if (opened > 1) throw new Killed();
          yield Buffer.from('whole');
        },
      },
    ];

    expect(await codeOf(save(bucket, {}, 2, { source }))).toBe('Killed');

    expect((await listOf(bucket)).filter(({ key }) => key.startsWith('manifests/'))).toHaveLength(1);
    expect(await textsIn((await load(bucket, previous)).directory)).toEqual(ONE);
  });

  it('on a full disk says so and commits nothing', async () => {
    const inner = localBucket();
    const full = new WatchedBucket(inner, ({ operation }) => {
      if (operation === 'write') throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    });

    expect(await codeOf(save(full, ONE))).toBe('ENOSPC');
    expect(await listOf(inner)).toEqual([]);
  });

  it('tells progress by bytes while a large file is on its way', async () => {
    const seen: number[] = [];
    const onProgress = ({ doneBytes }: { doneBytes: number }): void => void seen.push(doneBytes);
    const open = async function* () {
      for (let chunk = 0; chunk < 4; chunk += 1) yield Buffer.alloc(1000, chunk);
    };

    await save(localBucket(), {}, 1, { source: [{ path: 'large.bin', open }], onProgress });

    expect(seen).toEqual([1000, 2000, 3000, 4000]);
  });

  it('repairs an object that was damaged in the bucket', async () => {
    const bucket = localBucket();
    const saved = await save(bucket, ONE);
    const damaged = `objects/${saved.files.find(({ path }) => path === 'model.bin')!.sha256}`;
    await bucket.write(damaged, Buffer.from('oNe'));

    expect(await codeOf(load(bucket, saved))).toBe('WeightsCorrupt');
    await save(bucket, ONE);

    expect(await textOf(bucket, damaged)).toBe('one');
    expect(await textsIn((await load(bucket, saved)).directory)).toEqual(ONE);
  });

  it('notices a bucket that does not keep what it was sent', async () => {
    const inner = localBucket();
    const lossy = new WatchedBucket(inner);
    lossy.write = (key, _source, options) => inner.write(key, Buffer.from('???'), options);

    expect(await codeOf(save(lossy, ONE))).toBe('WeightsCorrupt');
    expect((await listOf(inner)).filter(({ key }) => key.startsWith('manifests/'))).toEqual([]);
  });

  it('refuses a file that changes meanwhile', async () => {
    let reads = 0;
    const open = () => {
      reads += 1;
      return Buffer.from(`read ${reads}`);
    };
    const source = [{ path: 'model.bin', open }];
    const bucket = localBucket();

    expect(await codeOf(save(bucket, {}, 1, { source }))).toBe('SourceChanged');
    expect(await listOf(bucket)).toEqual([]);
  });

  it('refuses an empty folder, links that leave it, and names that clash', async () => {
    const bucket = localBucket();
    const linked = temporaryFolder();
    await writeFile(join(temporaryFolder(), 'x'), 'x');
    await symlink('/etc/hostname', join(linked, 'link'));

    expect(await codeOf(save(bucket, {}, 1, { source: temporaryFolder() }))).toBe('NothingToSave');
    expect(await codeOf(save(bucket, {}))).toBe('NothingToSave');
    expect(await codeOf(save(bucket, {}, 1, { source: linked }))).toBe('FileRefused');
    expect(await codeOf(save(bucket, { a: 'x', A: 'y' }))).toBe('InvalidInput');
    expect(await codeOf(save(bucket, { '../up': 'x' }))).toBe('InvalidInput');
    expect(await listOf(bucket)).toEqual([]);
  });

  it('stops with the signal and tells progress', async () => {
    const control = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) => {
      seen.push(doneBytes / totalBytes);
      if (seen.length === 3) control.abort(new Killed());
    };
    const bucket = localBucket();

    expect(await codeOf(save(bucket, TWO, 1, { onProgress, signal: control.signal }))).toBe('Killed');

    expect(seen).toHaveLength(3);
    expect(seen.at(-1)).toBe(1);
    expect((await listOf(bucket)).filter(({ key }) => key.startsWith('manifests/'))).toEqual([]);
  });

  it('by several processes at once leaves every one of their revisions loadable', async () => {
    const root = temporaryFolder();
    const script = new URL('./save-in-process.ts', import.meta.url);
    const children = ['a', 'b'].map((name) => fork(script, [root, name], { stdio: 'inherit' }));
    await Promise.all(children.map((child) => once(child, 'message')));

    for (const child of children) child.send('go');
    const answers = await Promise.all(children.map((child) => once(child, 'message')));

    for (const [index, [saved]] of answers.entries()) {
      const { directory } = await load(localBucket(root), saved);
      expect(await textsIn(directory)).toMatchObject({ own: 'ab'[index], shared: 's'.repeat(200_000) });
    }
  });
});

class Killed extends ModelfnError {
  override readonly name = 'Killed';
  readonly code = 'Killed';
  readonly statusCode = 500;
  constructor() {
    super('The process died here.');
  }
}
