import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { openBucket } from '../../../shared/buckets/registry.ts';
import type { GitSpec } from '../../../shared/entities/git-spec.ts';
import type { GitContext } from '../../../shared/git/git-source.ts';
import { readManifest } from '../../../shared/snapshots/files/read-manifest.ts';
import { type SourceFile, saveFiles } from '../../../shared/snapshots/files/save-files.ts';
import { bytesFrom, bytesOf, codeOf, listOf, textOf } from '../../contracts/bucket.contract.ts';
import { gitContext } from '../../support/git-context.ts';
import { GIT_MISSING } from '../../support/git-program.ts';
import { TestRepository } from '../../support/git-repository.ts';
import { GitServer } from '../../support/git-server.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { NO_GCS } from './openers.ts';

function open(spec: GitSpec, git: GitContext): Promise<Bucket> {
  return openBucket(
    { type: 'git', ...spec },
    {
      localRoots: { allowed: [], private: [] },
      defaultRoot: '/nonexistent',
      openItemFolder: () => Promise.reject(new Error('no item folder was planned for')),
      git,
      gcs: NO_GCS,
    },
  );
}

async function served() {
  const server = await GitServer.start();
  const context = gitContext({ hosts: [server.origin] });
  const { repository, gitUrl } = await server.repository();
  /** A handle with a cache of its own, as another machine has it. */
  const elsewhere = (gitTag = 'main') => open({ gitUrl, gitTag }, gitContext({ hosts: [server.origin] }));
  return {
    server,
    context,
    repository,
    gitUrl,
    elsewhere,
    bucket: await open({ gitUrl, gitTag: 'main' }, context),
  };
}

/** Lets somebody else in once, at the moment the branch's next push is about to be decided. */
function beforeThePush(server: GitServer, work: () => Promise<unknown>): void {
  let isDone = false;
  server.fault = async ({ method, url }) => {
    if (isDone || method !== 'POST' || !url.endsWith('git-receive-pack')) return undefined;
    isDone = true;
    await work();
    return undefined;
  };
}

beforeEach(({ skip }) => {
  if (GIT_MISSING !== undefined) skip(GIT_MISSING);
});

describe('a git bucket', () => {
  it('is empty until its branch is made by the first write, as a commit by modelfn at the time it is given', async () => {
    const { repository, bucket } = await served();
    expect(await listOf(bucket)).toEqual([]);

    await bucket.write('weights/model.bin', bytesOf('one'));

    expect(await repository.files()).toEqual({ 'weights/model.bin': 'one' });
    expect(await repository.git('log', '-1', '--format=%an <%ae> %aI|%cn %cI|%s', 'main')).toBe(
      'modelfn <modelfn@localhost> 2026-01-02T00:00:00+00:00|modelfn 2026-01-02T00:00:00+00:00|modelfn: write weights/model.bin',
    );
  });

  it('adds to what is there and leaves the rest, modes too, as it is', async () => {
    const { repository, gitUrl, context } = await served();
    const blob = await repository.blob('#!/bin/sh');
    const inside = await repository.treeOf({ 'old.bin': 'old' });
    await repository.commitTree(
      await repository.tree([
        { mode: '100755', type: 'blob', oid: blob, name: 'run.sh' },
        { mode: '040000', type: 'tree', oid: inside, name: 'weights' },
      ]),
    );
    const bucket = await open({ gitUrl, gitTag: 'main', gitPath: 'weights' }, context);

    await bucket.write('deep/new.bin', bytesOf('new'));
    await bucket.write('old.bin', bytesOf('newer'));

    expect(await repository.files()).toEqual({
      'run.sh': '#!/bin/sh',
      'weights/deep/new.bin': 'new',
      'weights/old.bin': 'newer',
    });
    expect(await repository.git('ls-tree', 'main', 'run.sh')).toContain('100755');
    expect(await repository.git('fsck', '--strict', '--full')).not.toContain('error');
    expect(await repository.length()).toBe(3);
  });

  it('makes no commit for bytes that are there, nor for what is deleted and was not', async () => {
    const { repository, bucket } = await served();
    await bucket.write('a', bytesOf('one'));

    await bucket.write('a', bytesOf('one'));
    await bucket.delete('none');

    expect(await repository.length()).toBe(1);
  });

  it('shows one commit to a reader, however the branch moves, and moves on with its own writes', async () => {
    const { bucket, elsewhere } = await served();
    await bucket.write('a', bytesOf('one'));
    const other = await elsewhere();
    expect(await textOf(other, 'a')).toBe('one');

    await bucket.write('a', bytesOf('two'));
    expect(await textOf(other, 'a')).toBe('one');

    await other.write('b', bytesOf('x'));
    expect(await textOf(other, 'a')).toBe('two');
  });

  it('only reads at a tag and at a commit', async () => {
    const { repository, bucket, elsewhere } = await served();
    await bucket.write('a', bytesOf('one'));
    const commit = (await repository.tip())!;
    await repository.git('tag', '-a', '-m', 'first', 'v1', commit);
    await bucket.write('a', bytesOf('two'));

    for (const gitTag of ['v1', 'refs/tags/v1', commit, commit.slice(0, 9)]) {
      const at = await elsewhere(gitTag);
      expect(await textOf(at, 'a')).toBe('one');
      expect(await codeOf(at.write('a', bytesOf('three')))).toBe('BucketReadOnly');
      expect(await codeOf(at.delete('a'))).toBe('BucketReadOnly');
    }
    expect(await repository.files()).toEqual({ a: 'two' });
    expect(await codeOf(listOf(await elsewhere('f'.repeat(40))))).toBe('GitRefNotFound');
    expect(await codeOf(listOf(await elsewhere('fffffff')))).toBe('GitRefNotFound');
  });

  it('goes on from a branch that was forced to another history', async () => {
    const { repository, bucket } = await served();
    await bucket.write('a', bytesOf('one'));
    await repository.commit({ other: 'x' }, 'main', null);

    await bucket.write('b', bytesOf('two'));

    expect(await repository.files()).toEqual({ b: 'two', other: 'x' });
  });

  it('does not put its folder in the place of a file', async () => {
    const { repository, gitUrl, context } = await served();
    await repository.commit({ weights: 'a file' });
    const bucket = await open({ gitUrl, gitTag: 'main', gitPath: 'weights/inside' }, context);

    expect(await codeOf(bucket.write('a', bytesOf('x')))).toBe('GitContentRefused');
    expect(await repository.files()).toEqual({ weights: 'a file' });
  });

  it('keeps keys that no tree can hold, or no clone would take, out', async () => {
    const { repository, bucket } = await served();
    await bucket.write('a/b', bytesOf('x'));

    for (const key of ['a', 'a/b/c', '.git/config', 'x/.GIT/y', 'git~1', 'a\ufffd'])
      expect(await codeOf(bucket.write(key, bytesOf('y')))).toBe('InvalidKey');
    expect(await repository.length()).toBe(1);
  });

  it('refuses objects beyond its limit, to write and to read', async () => {
    const { server, repository, gitUrl } = await served();
    const limited = gitContext({ hosts: [server.origin], limits: { fileBytes: 1000 } });
    const bucket = await open({ gitUrl, gitTag: 'main' }, limited);

    expect(await codeOf(bucket.write('big', Buffer.alloc(1001)))).toBe('GitTooLarge');
    await bucket.write('fits', Buffer.alloc(1000));
    await repository.commit({ big: Buffer.alloc(1001) });

    const again = await open({ gitUrl, gitTag: 'main' }, { ...limited, cacheDirectory: temporaryFolder() });
    expect(await codeOf(listOf(again))).toBe('GitTooLarge');
  });

  it.each([
    ['a symbolic link', { mode: '120000', type: 'blob' as const, name: 'link' }],
    ['a name that climbs', { mode: '100644', type: 'blob' as const, name: '..' }],
  ])('is refused for %s', async (_name, entry) => {
    const { repository, bucket } = await served();
    await repository.commitTree(await repository.tree([{ ...entry, oid: await repository.blob('x') }]));

    expect(await codeOf(listOf(bucket))).toBe('GitContentRefused');
    expect(await codeOf(bucket.write('a', bytesOf('x')))).toBe('GitContentRefused');
  });

  it('reads and writes the default branch', async () => {
    const { repository, elsewhere } = await served();
    await repository.commit({ a: 'of main' });
    await repository.commit({ a: 'of trunk' }, 'trunk', null);
    await repository.git('symbolic-ref', 'HEAD', 'refs/heads/trunk');
    const bucket = await elsewhere('HEAD');

    expect(await textOf(bucket, 'a')).toBe('of trunk');
    await bucket.write('b', bytesOf('new'));

    expect(await repository.files('trunk')).toEqual({ a: 'of trunk', b: 'new' });
    expect(await repository.files('main')).toEqual({ a: 'of main' });
  });

  it('with symbolic links is read as what they lead to, follows their targets, and is not written to', async () => {
    const { repository, bucket, elsewhere } = await served();
    const link = async (name: string, to: string) =>
      ({ mode: '120000', type: 'blob', oid: await repository.blob(to), name }) as const;
    const commit = async (text: string) => {
      const weights = {
        mode: '100644',
        type: 'blob',
        oid: await repository.blob(text),
        name: 'weights',
      } as const;
      await repository.commitTree(await repository.tree([weights, await link('latest', 'weights')]));
    };
    await commit('one');

    expect(await textOf(bucket, 'latest')).toBe('one');
    await expect(bucket.write('weights', bytesOf('two'))).rejects.toMatchObject({
      code: 'GitContentRefused',
      message: expect.stringContaining('("latest")'),
    });
    expect(await codeOf(bucket.delete('latest'))).toBe('GitContentRefused');
    await commit('two');
    expect(await textOf(await elsewhere(), 'latest')).toBe('two');
    expect(await repository.length()).toBe(2);
  });

  it('gives back large objects whole and in parts', async () => {
    const { bucket, elsewhere } = await served();
    const bytes = Buffer.alloc(5_000_000, 'abcdefg');

    await bucket.write('large', bytes);

    const other = await elsewhere();
    expect((await bytesFrom(other, 'large')).equals(bytes)).toBe(true);
    expect(
      (await bytesFrom(other, 'large', { start: 1_048_570, end: 3_000_001 })).equals(
        bytes.subarray(1_048_570, 3_000_001),
      ),
    ).toBe(true);
  });
});

describe('two writers of a git bucket', () => {
  it('both get through when they write different keys', async () => {
    const { server, repository, bucket, elsewhere } = await served();
    await bucket.write('base', bytesOf('x'));
    const other = await elsewhere();
    beforeThePush(server, () => other.write('theirs', bytesOf('2')));

    await bucket.write('ours', bytesOf('1'));

    expect(await repository.files()).toEqual({ base: 'x', ours: '1', theirs: '2' });
    expect(await repository.length()).toBe(3);
  });

  it('agree when they write the same bytes', async () => {
    const { server, repository, bucket, elsewhere } = await served();
    await bucket.write('base', bytesOf('x'));
    const other = await elsewhere();
    beforeThePush(server, () => other.write('key', bytesOf('same')));

    await bucket.write('key', bytesOf('same'));

    expect(await repository.length()).toBe(2);
  });

  it('in processes of their own, on one cache, lose nothing', async () => {
    const { server, repository, gitUrl, context } = await served();
    const program = join(import.meta.dirname, 'write-git.ts');
    const children = ['a', 'b'].map((name) =>
      fork(program, [gitUrl, server.origin, context.cacheDirectory, name]),
    );

    await Promise.all(children.map((child) => once(child, 'message')));

    const keys = ['a', 'b'].flatMap((name) => [0, 1, 2, 3, 4].map((index) => `${name}/${index}`));
    expect(Object.keys(await repository.files()).sort()).toEqual([...keys, 'shared']);
    expect(await repository.length()).toBe(11);
  });

  it('who change the same key get a conflict, and the later one keeps its work', async () => {
    const { server, repository, bucket, elsewhere } = await served();
    await bucket.write('key', bytesOf('base'));
    const other = await elsewhere();
    beforeThePush(server, () => other.write('key', bytesOf('theirs')));

    const failure = (await bucket.write('key', bytesOf('ours')).catch((error: unknown) => error)) as Error;

    expect(failure).toMatchObject({ code: 'BucketConflict', statusCode: 409, details: { keys: ['key'] } });
    expect(await repository.files()).toEqual({ key: 'theirs' });
    // The advice of the message, taken at its word.
    const advised = /: (git --git-dir .*)\. To replace/.exec(failure.message)![1]!;
    expect((await promisify(execFile)('sh', ['-c', advised])).stdout).toBe('ours');
    const [gitdir, name] = [
      /--git-dir "([^"]+)"/.exec(advised)![1]!,
      /(refs\/modelfn\/kept\/\w+)/.exec(advised)![1]!,
    ];
    await promisify(execFile)('git', [
      '--git-dir',
      gitdir,
      'push',
      '--quiet',
      repository.folder,
      `${name}:refs/heads/ours`,
    ]);
    expect(await repository.files('ours')).toEqual({ key: 'ours' });

    await bucket.write('key', bytesOf('ours after all'));
    expect(await repository.files()).toEqual({ key: 'ours after all' });
  });

  it('who write if absent get one winner, and the other sees what won', async () => {
    const { server, bucket, elsewhere } = await served();
    await bucket.write('base', bytesOf('x'));
    const other = await elsewhere();
    beforeThePush(server, () => other.write('key', bytesOf('theirs'), { ifAbsent: true }));

    expect(await codeOf(bucket.write('key', bytesOf('ours'), { ifAbsent: true }))).toBe('PreconditionFailed');
    expect(await textOf(bucket, 'key')).toBe('theirs');
  });

  it('gives up, and keeps the work, when the branch never holds still', async () => {
    const { server, repository, bucket } = await served();
    await bucket.write('base', bytesOf('x'));
    let moves = 0;
    server.fault = async ({ method, url }) => {
      if (method === 'POST' && url.endsWith('git-receive-pack')) {
        moves += 1;
        await repository.commit({ base: 'x', [`moved-${moves}`]: 'x' });
      }
      return undefined;
    };

    expect(await codeOf(bucket.write('key', bytesOf('ours')))).toBe('BucketConflict');
    expect(moves).toBe(12);
  });
});

describe('a push', () => {
  it('whose answer is lost has happened once', async () => {
    const { server, repository, bucket } = await served();
    await bucket.write('base', bytesOf('x'));
    server.fault = ({ method, url }) =>
      method === 'POST' && url.endsWith('git-receive-pack') ? { hangUpAfterwards: true } : undefined;

    await bucket.write('key', bytesOf('ours'), { ifAbsent: true });

    expect(await repository.files()).toEqual({ base: 'x', key: 'ours' });
    expect(await repository.length()).toBe(2);
  });

  it('that never arrived leaves the bucket as it was, and may be repeated', async () => {
    const { server, repository, bucket } = await served();
    await bucket.write('base', bytesOf('x'));
    server.fault = ({ method, url }) =>
      method === 'POST' && url.endsWith('git-receive-pack') ? { status: 500 } : undefined;
    expect(await codeOf(bucket.write('key', bytesOf('ours')))).toBe('GitUnavailable');
    expect(await repository.files()).toEqual({ base: 'x' });
    server.fault = () => undefined;

    await bucket.write('key', bytesOf('ours'));

    expect(await repository.files()).toEqual({ base: 'x', key: 'ours' });
  });

  it('that the server refuses tells its reason', async () => {
    const { repository, bucket } = await served();
    const hook = join(repository.folder, 'hooks/update');
    await mkdir(join(repository.folder, 'hooks'), { recursive: true });
    await writeFile(hook, '#!/bin/sh\necho "weights go to another branch" >&2\nexit 1\n');
    await chmod(hook, 0o755);

    await expect(bucket.write('key', bytesOf('x'))).rejects.toMatchObject({
      code: 'GitPushRefused',
      message: expect.stringMatching(/hook declined.*weights go to another branch/),
    });
    expect(await repository.tip()).toBeUndefined();
  });

  it('goes over ssh too', async () => {
    const repository = await TestRepository.make();
    const program = join(temporaryFolder(), 'ssh');
    await writeFile(program, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
    await chmod(program, 0o755);
    const context = gitContext({ hosts: ['ssh://git@host'], sshProgram: program });
    const bucket = await open({ gitUrl: `ssh://git@host${repository.folder}`, gitTag: 'main' }, context);

    await bucket.write('a', bytesOf('one'));
    await bucket.write('b', bytesOf('two'));

    expect(await repository.files()).toEqual({ a: 'one', b: 'two' });
  });

  it('goes into a folder, but not to the branch that is checked out there', async () => {
    const root = temporaryFolder();
    const bare = await TestRepository.make(root, 'bare.git');
    await bare.commit({ a: 'one' });
    await bare.git('clone', '--quiet', bare.folder, join(root, 'work'));
    const context = gitContext({ localRoots: { allowed: [root], private: [] } });
    const into = (gitUrl: string, gitTag: string) =>
      open({ gitUrl: `file://${root}/${gitUrl}`, gitTag }, context);

    await (await into('bare.git', 'main')).write('b', bytesOf('two'));
    await (await into('work/.git', 'aside')).write('c', bytesOf('three'));

    expect(await bare.files()).toEqual({ a: 'one', b: 'two' });
    expect(await bare.git('fsck', '--strict', '--full')).not.toContain('error');
    expect(await new TestRepository(join(root, 'work/.git')).files('aside')).toEqual({ c: 'three' });
    expect(await codeOf((await into('work/.git', 'main')).write('c', bytesOf('x')))).toBe('GitPushRefused');
  });

  it('is stopped by the signal before the branch moves', async () => {
    const { server, repository, bucket } = await served();
    await bucket.write('base', bytesOf('x'));
    const controller = new AbortController();
    const silence = Promise.withResolvers<undefined>();
    server.fault = ({ method, url }) => {
      if (method !== 'POST' || !url.endsWith('git-receive-pack')) return undefined;
      controller.abort(new Error('enough'));
      return silence.promise;
    };

    expect(await codeOf(bucket.write('key', bytesOf('y'), { signal: controller.signal }))).toBe('Cancelled');
    expect(await repository.files()).toEqual({ base: 'x' });
  });
});

describe('a revision of weights in a git bucket', () => {
  const save = (bucket: Bucket, source: SourceFile[], revision = 1) =>
    saveFiles({
      bucket,
      source,
      snapshotId: 'snapshot-1',
      revision,
      configuration: {},
      lineage: {},
      clock: { now: () => 0 },
    });
  const file = (path: string, text: string): SourceFile => ({ path, open: () => bytesOf(text) });

  it('is one commit, and can be read anywhere', async () => {
    const { repository, bucket, elsewhere } = await served();

    const saved = await save(bucket, [file('a.bin', 'one'), file('b/c.bin', 'two'), file('same.bin', 'one')]);

    expect(await repository.length()).toBe(1);
    expect(Object.keys(await repository.files()).sort()).toEqual([
      expect.stringMatching(/^manifests\/1\./),
      expect.stringMatching(/^objects\//),
      expect.stringMatching(/^objects\//),
    ]);
    const { manifest } = await readManifest({
      bucket: await elsewhere(),
      weights: saved,
      snapshotId: 'snapshot-1',
    });
    expect(manifest.files.map(({ path }) => path)).toEqual(['a.bin', 'b/c.bin', 'same.bin']);
  });

  it('saved again is no commit more, and the next revision sends only what changed', async () => {
    const { repository, bucket } = await served();
    await save(bucket, [file('a.bin', 'one'), file('b.bin', 'two')]);

    expect((await save(bucket, [file('a.bin', 'one'), file('b.bin', 'two')])).uploadedBytes).toBe(0);
    expect(await repository.length()).toBe(1);
    expect((await save(bucket, [file('a.bin', 'one'), file('b.bin', 'three')], 2)).uploadedBytes).toBe(5);
    expect(await repository.length()).toBe(2);
  });

  it('saved by two at once is two commits, each whole', async () => {
    const { server, repository, bucket, elsewhere } = await served();
    await bucket.write('base', bytesOf('x'));
    const other = await elsewhere();
    beforeThePush(server, () => save(other, [file('a.bin', 'one'), file('b.bin', 'theirs')]));

    await save(bucket, [file('a.bin', 'one'), file('b.bin', 'ours')]);

    expect(await repository.length()).toBe(3);
    expect(
      Object.keys(await repository.files()).filter((name) => name.startsWith('manifests/')),
    ).toHaveLength(2);
  });

  it('has every object its manifest lists, also when somebody removes one meanwhile', async () => {
    const { server, repository, bucket, elsewhere } = await served();
    await save(bucket, [file('a.bin', 'one'), file('b.bin', 'two')]);
    const other = await elsewhere();
    const objects = (await listOf(other, 'objects/')).map(({ key }) => key);

    await bucket.together!(async (batch) => {
      await batch.stat(objects[0]!);
      await other.delete(objects[0]!);
      await batch.write('first', bytesOf('x'));
    });
    expect(Object.keys(await repository.files())).toEqual(expect.arrayContaining(objects));

    beforeThePush(server, () => other.delete(objects[1]!));
    await save(bucket, [file('a.bin', 'one'), file('b.bin', 'two'), file('c.bin', 'three')], 2);
    expect(Object.keys(await repository.files())).toEqual(expect.arrayContaining(objects));
  });

  it('of which a file fails leaves no trace', async () => {
    const { repository, bucket } = await served();
    const broken = new Error('the disk broke');
    let opened = 0;
    const failing: SourceFile = {
      path: 'b.bin',
      open: () => {
        opened += 1;
        if (opened > 1) throw broken;
        return bytesOf('two');
      },
    };

    await expect(save(bucket, [file('a.bin', 'one'), failing])).rejects.toBe(broken);

    expect(await repository.tip()).toBeUndefined();
    expect(await listOf(bucket)).toEqual([]);
  });
});
