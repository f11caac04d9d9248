import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { GuardedBucket } from '../../../shared/buckets/guarded-bucket.ts';
import { LocalBucket } from '../../../shared/buckets/local.ts';
import { bytesOf, codeOf, listOf, textOf } from '../../contracts/bucket.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

function openLocal(root: string): GuardedBucket {
  return new GuardedBucket(new LocalBucket({ type: 'local' }, root));
}

describe('a local bucket', () => {
  it('is empty, and makes no folder, before its first write', async () => {
    const parent = temporaryFolder();

    expect(await listOf(openLocal(join(parent, 'none')))).toEqual([]);
    expect(await readdir(parent)).toEqual([]);
  });

  it('lists the files a user put there, and follows links that stay inside', async () => {
    const root = temporaryFolder();
    await mkdir(join(root, 'real'));
    await writeFile(join(root, 'real/file'), 'x');
    await symlink('real/file', join(root, 'link'));
    await symlink('real', join(root, 'folder'));
    await symlink('..', join(root, 'real/circle'));
    const bucket = openLocal(root);

    expect((await listOf(bucket)).map(({ key }) => key)).toEqual(['folder/file', 'link', 'real/file']);
    expect(await textOf(bucket, 'link')).toBe('x');
  });

  it('refuses links that leave it: to read, to write below, to list', async () => {
    const outside = temporaryFolder();
    const root = temporaryFolder();
    await writeFile(join(outside, 'secret'), 's');
    await symlink(join(outside, 'secret'), join(root, 'file'));
    await symlink(outside, join(root, 'folder'));
    const bucket = openLocal(root);

    expect(await codeOf(textOf(bucket, 'file'))).toBe('FileRefused');
    expect(await codeOf(textOf(bucket, 'folder/secret'))).toBe('FileRefused');
    expect(await codeOf(bucket.write('folder/planted', bytesOf('x')))).toBe('FileRefused');
    expect(await codeOf(bucket.delete('folder/secret'))).toBe('FileRefused');
    expect(await codeOf(listOf(bucket))).toBe('FileRefused');
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('tells when a file and a folder would need the same name', async () => {
    const bucket = openLocal(temporaryFolder());
    await bucket.write('a/b', bytesOf('x'));

    expect(await codeOf(bucket.write('a', bytesOf('y')))).toBe('InvalidKey');
    expect(await codeOf(bucket.write('a', bytesOf('y'), { ifAbsent: true }))).toBe('InvalidKey');
    expect(await codeOf(bucket.write('a/b/c', bytesOf('y')))).toBe('InvalidKey');
    expect(await codeOf(bucket.write('a/b/c', bytesOf('y'), { ifAbsent: true }))).toBe('InvalidKey');
    await bucket.delete('a/b');
    await bucket.write('a', bytesOf('now it can'));
    expect(await textOf(bucket, 'a')).toBe('now it can');
  });

  it('names a file that no key can stand for instead of leaving it out', async () => {
    const root = temporaryFolder();
    await writeFile(join(root, 'a\\b'), 'x');

    expect(await codeOf(listOf(openLocal(root)))).toBe('InvalidKey');
  });

  it('keeps its folder of unfinished writes to itself', async () => {
    const root = temporaryFolder();
    const bucket = openLocal(root);
    await mkdir(join(root, '.modelfn-tmp'));
    await writeFile(join(root, '.modelfn-tmp/left-by-a-kill'), 'half');

    expect(await listOf(bucket)).toEqual([]);
    expect(await codeOf(bucket.stat('.modelfn-tmp/left-by-a-kill'))).toBe('InvalidKey');
  });

  it('on a full disk answers BucketUnavailable, retryable, and leaves the old object', async () => {
    const root = temporaryFolder();
    const bucket = openLocal(root);
    await bucket.write('key', bytesOf('old'));
    const handle = await open(join(root, 'key'));
    const prototype = Object.getPrototypeOf(handle) as { write: () => Promise<unknown> };
    await handle.close();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const spy = vi.spyOn(prototype, 'write').mockRejectedValue(full);

    const failure = await bucket.write('key', bytesOf('new')).catch((error: unknown) => error);
    spy.mockRestore();

    expect(failure).toMatchObject({ code: 'BucketUnavailable', retryable: true, statusCode: 503 });
    expect((failure as Error).message).toContain('The disk is full');
    expect(await textOf(bucket, 'key')).toBe('old');
    expect(await readdir(join(root, '.modelfn-tmp'))).toEqual([]);
  });

  it('answers BucketNotFound when its folder is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    await writeFile(file, 'x');

    expect(await codeOf(listOf(openLocal(file)))).toBe('BucketNotFound');
  });

  it('lets one process win an ifAbsent write against another', async () => {
    const root = temporaryFolder();
    const script = new URL('./write-if-absent.ts', import.meta.url);
    const children = ['a', 'b', 'c'].map((name) => fork(script, [root, name], { stdio: 'inherit' }));
    await Promise.all(children.map((child) => once(child, 'message')));

    for (const child of children) child.send('go');
    const answers = await Promise.all(children.map((child) => once(child, 'message')));
    await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));

    const wins = answers.flatMap(([won], writer) => (won as string[]).map((key) => ({ key, writer })));
    expect(wins.map(({ key }) => key).sort()).toEqual(
      Array.from({ length: 20 }, (_, index) => `race-${index}`).sort(),
    );
    const bucket = openLocal(root);
    for (const { key, writer } of wins) expect(await textOf(bucket, key)).toBe('abc'[writer]);
  });
});
