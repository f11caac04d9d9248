import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GuardedBucket } from '../../../shared/buckets/guarded-bucket.ts';
import { LocalBucket } from '../../../shared/buckets/local.ts';
import { type BucketContext, openBucket } from '../../../shared/buckets/registry.ts';
import type { BucketSpec } from '../../../shared/entities/bucket-spec.ts';
import { bytesOf, codeOf, textOf } from '../../contracts/bucket.contract.ts';
import { gitContext } from '../../support/git-context.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { NO_GCS } from './openers.ts';

function context(root: string): BucketContext {
  return {
    localRoots: { allowed: [join(root, 'allowed')], private: [] },
    defaultRoot: join(root, 'default'),
    gcs: NO_GCS,
    openItemFolder: () => Promise.reject(new Error('not planned')),
    git: gitContext(),
  };
}

describe('opening a bucket', () => {
  it('puts a local one without a path into the default folder', async () => {
    const root = temporaryFolder();
    for (const spec of [
      { type: 'local' },
      { type: 'local', localPath: null },
      { type: 'local', localPath: '' },
    ] as const) {
      await (await openBucket(spec, context(root))).write('key', bytesOf('x'));
    }

    const direct = await openBucket(
      { type: 'local', localPath: join(root, 'default') },
      { ...context(root), localRoots: { allowed: [root], private: [] } },
    );
    expect(await textOf(direct, 'key')).toBe('x');
  });

  it('takes a folder inside the roots, there or not yet', async () => {
    const root = temporaryFolder();
    const bucket = await openBucket(
      { type: 'local', localPath: join(root, 'allowed/new/one') },
      context(root),
    );

    await bucket.write('key', bytesOf('x'));

    expect(await textOf(bucket, 'key')).toBe('x');
  });

  it.each(['allowed/../other', 'allowedness', '.', 'allowed/link', 'allowed/link/below'])(
    'refuses a folder outside the roots and names the setting: %s',
    async (path) => {
      const root = temporaryFolder();
      await mkdir(join(root, 'allowed'));
      await mkdir(join(root, 'elsewhere'));
      await symlink('../elsewhere', join(root, 'allowed/link'));

      const opening = openBucket({ type: 'local', localPath: `${root}/${path}` }, context(root));

      await expect(opening).rejects.toMatchObject({
        code: 'BucketNotAllowed',
        message: expect.stringContaining('MODELFN_LOCAL_ROOTS'),
      });
    },
  );

  it.each(['relative/path', '~/models', 'a\0b'])(
    'refuses what is no absolute path: %j',
    async (localPath) => {
      expect(await codeOf(openBucket({ type: 'local', localPath }, context(temporaryFolder())))).toBe(
        'BucketNotAllowed',
      );
    },
  );

  it.each(['s3', '__proto__', 'constructor'])('names the types there are when asked for %s', async (type) => {
    const opening = openBucket({ type } as unknown as BucketSpec, context('/nonexistent'));

    await expect(opening).rejects.toMatchObject({
      code: 'BucketDriverMissing',
      message: expect.stringContaining('local, item'),
    });
  });
});

describe('the guard around every driver', () => {
  it('wraps a foreign failure once, keeps its cause, and shows no path of the machine', async () => {
    const cause = Object.assign(new Error("EACCES: permission denied, open '/srv/private/x'"), {
      code: 'EACCES',
    });
    const driver = new LocalBucket({ type: 'local' }, temporaryFolder());
    driver.stat = () => Promise.reject(cause);
    const bucket = new GuardedBucket(new GuardedBucket(driver));

    const failure = (await bucket.stat('key').catch((error: unknown) => error)) as Error;

    expect(failure).toMatchObject({ code: 'BucketUnavailable', cause, details: { operation: 'stat' } });
    expect(failure.message).not.toContain('/srv/private');
  });

  it('refuses to write where the driver only reads', async () => {
    const driver = new LocalBucket({ type: 'local' }, temporaryFolder());
    const readOnly = Object.assign(driver, {
      capabilities: { ...driver.capabilities, canWrite: false },
    });
    const bucket = new GuardedBucket(readOnly);

    expect(await codeOf(bucket.write('key', bytesOf('x')))).toBe('BucketReadOnly');
    expect(await codeOf(bucket.delete('key'))).toBe('BucketReadOnly');
  });
});
