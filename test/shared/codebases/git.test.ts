import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Checkout } from '../../../shared/codebases/codebase.ts';
import { GitCodebase } from '../../../shared/codebases/git.ts';
import type { GitSpec } from '../../../shared/entities/git-spec.ts';
import type { GitContext } from '../../../shared/git/git-source.ts';
import { Secrets } from '../../../shared/secrets.ts';
import { codeOf } from '../../contracts/bucket.contract.ts';
import { gitContext } from '../../support/git-context.ts';
import { GIT_MISSING } from '../../support/git-program.ts';
import { type RawEntry, TestRepository } from '../../support/git-repository.ts';
import { GitServer } from '../../support/git-server.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { codeIn } from './code-in.ts';

async function checkout(spec: GitSpec, context: GitContext, signal?: AbortSignal): Promise<Checkout> {
  return (await GitCodebase.open({ type: 'git', ...spec }, context)).checkout(signal);
}

async function served() {
  const server = await GitServer.start();
  const context = gitContext({ hosts: [server.origin] });
  return { server, context, ...(await server.repository()) };
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as Error,
  );
}

const ONE = { 'adapter.ts': 'one', 'lib/a.ts': 'a' };
const TWO = { 'adapter.ts': 'two' };

beforeEach(({ skip }) => {
  if (GIT_MISSING !== undefined) skip(GIT_MISSING);
});

describe('a git codebase', () => {
  it('is found by branch, tag, annotated tag, full name, and commit, short or whole', async () => {
    const { repository, gitUrl, context } = await served();
    const one = await repository.commit(ONE);
    await repository.git('tag', 'light', one);
    await repository.git('tag', '-a', '-m', 'first', 'v1', one);
    const two = await repository.commit(TWO);
    await repository.git('update-ref', 'refs/heads/feature/x', one);

    const found: Record<string, string> = {};
    for (const gitTag of [
      'main',
      'light',
      'v1',
      'feature/x',
      'refs/tags/v1',
      one,
      one.slice(0, 8),
      two.slice(0, 12),
    ]) {
      const { directory, digest } = await checkout({ gitUrl, gitTag }, context);
      expect(await codeIn(directory)).toEqual(digest === one ? ONE : TWO);
      found[gitTag] = digest;
    }

    expect(found).toEqual({
      main: two,
      light: one,
      v1: one,
      'feature/x': one,
      'refs/tags/v1': one,
      [one]: one,
      [one.slice(0, 8)]: one,
      [two.slice(0, 12)]: two,
    });
  });

  it('finds a commit, short or whole, that no branch or tag ends at', async () => {
    const { repository, gitUrl, server } = await served();
    const one = await repository.commit(ONE);
    for (const text of ['2', '3', '4']) await repository.commit({ 'adapter.ts': text });

    for (const gitTag of [one, one.slice(0, 10)]) {
      const { directory, digest } = await checkout(
        { gitUrl, gitTag },
        gitContext({ hosts: [server.origin] }),
      );
      expect(digest).toBe(one);
      expect(await codeIn(directory)).toEqual(ONE);
    }
  });

  it('may be a folder of the repository, whatever lies beside it', async () => {
    const { repository, gitUrl, context } = await served();
    const inside = await repository.treeOf(ONE);
    const target = await repository.blob('/etc/passwd');
    const entries: RawEntry[] = [
      { mode: '120000', type: 'blob', oid: target, name: 'link' },
      { mode: '040000', type: 'tree', oid: inside, name: 'svm' },
    ];
    const above = await repository.tree(entries);
    await repository.commitTree(
      await repository.tree([{ mode: '040000', type: 'tree', oid: above, name: 'adapters' }]),
    );

    const { directory } = await checkout({ gitUrl, gitTag: 'main', gitPath: 'adapters/svm' }, context);

    expect(await codeIn(directory)).toEqual(ONE);
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main', gitPath: 'adapters/none' }, context))).toBe(
      'GitRefNotFound',
    );
    expect(
      await codeOf(checkout({ gitUrl, gitTag: 'main', gitPath: 'adapters/svm/adapter.ts' }, context)),
    ).toBe('GitRefNotFound');
  });

  it('is fetched once: a branch is only asked for, a whole commit id not even that', async () => {
    const { server, repository, gitUrl, context } = await served();
    const commit = await repository.commit(ONE);
    await checkout({ gitUrl, gitTag: 'main' }, context);
    server.requests.length = 0;

    await checkout({ gitUrl, gitTag: 'main' }, context);
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
    server.requests.length = 0;

    await checkout({ gitUrl, gitTag: commit }, context);
    expect(server.requests).toEqual([]);
  });

  it('is sent only what changed since the last commit, and follows a branch that was forced', async () => {
    const { repository, gitUrl, context } = await served();
    const big = Buffer.alloc(200_000, 'x');
    await repository.commit({ big, 'adapter.ts': 'one' });
    await checkout({ gitUrl, gitTag: 'main' }, context);
    const forced = await repository.commit({ big, 'adapter.ts': 'forced' }, 'main', null);

    const { directory, digest } = await checkout({ gitUrl, gitTag: 'main' }, context);

    expect(digest).toBe(forced);
    expect(await readFile(join(directory, 'adapter.ts'), 'utf8')).toBe('forced');
    expect((await readFile(join(directory, 'big'))).equals(big)).toBe(true);
  });

  it('tells what is not there', async () => {
    const { server, repository, gitUrl, context } = await served();
    await repository.commit(ONE);

    for (const gitTag of ['none', 'f'.repeat(40), 'fffffff'])
      expect(await codeOf(checkout({ gitUrl, gitTag }, context))).toBe('GitRefNotFound');
    const gone = checkout({ gitUrl: `${server.origin}/none.git`, gitTag: 'main' }, context);
    expect(await codeOf(gone)).toBe('GitRepositoryNotFound');
  });

  it('may be checked out by many at once, and the same commit is one folder', async () => {
    const { repository, gitUrl, context } = await served();
    await repository.commit(ONE);

    const found = await Promise.all(
      Array.from({ length: 6 }, () => checkout({ gitUrl, gitTag: 'main' }, context)),
    );

    expect(new Set(found.map(({ directory }) => directory)).size).toBe(1);
    expect(await codeIn(found[0]!.directory)).toEqual(ONE);
  });
});

describe('the default branch of a repository', () => {
  it('is what HEAD of the server stands for, whatever its name, and the commit is recorded', async () => {
    const { repository, gitUrl, context } = await served();
    await repository.commit(ONE);
    const trunk = await repository.commit(TWO, 'trunk', null);
    await repository.git('symbolic-ref', 'HEAD', 'refs/heads/trunk');

    const { directory, digest } = await checkout({ gitUrl, gitTag: 'HEAD' }, context);

    expect(digest).toBe(trunk);
    expect(await codeIn(directory)).toEqual(TWO);
  });

  it('may be a commit that no branch ends at', async () => {
    const { repository, gitUrl, context } = await served();
    const one = await repository.commit(ONE);
    await repository.commit(TWO);
    await repository.git('update-ref', '--no-deref', 'HEAD', one);

    expect((await checkout({ gitUrl, gitTag: 'HEAD' }, context)).digest).toBe(one);
  });

  it('is read from the folder of a repository', async () => {
    const root = temporaryFolder();
    const bare = await TestRepository.make(root, 'bare.git');
    const one = await bare.commit(ONE);
    const trunk = await bare.commit(TWO, 'trunk', null);
    await bare.git('symbolic-ref', 'HEAD', 'refs/heads/trunk');
    const context = gitContext({ localRoots: { allowed: [root], private: [] } });
    const spec = { gitUrl: `file://${bare.folder}`, gitTag: 'HEAD' };

    expect((await checkout(spec, context)).digest).toBe(trunk);
    await bare.git('update-ref', '--no-deref', 'HEAD', one);
    expect((await checkout(spec, context)).digest).toBe(one);
  });

  it('is missing by that name in a repository without commits', async () => {
    const { gitUrl, context } = await served();

    await expect(checkout({ gitUrl, gitTag: 'HEAD' }, context)).rejects.toMatchObject({
      code: 'GitRefNotFound',
      message: expect.stringContaining('has no default branch'),
    });
  });
});

describe('symbolic links in a repository', () => {
  /** A commit of files, and of links by path to their targets. */
  async function commitLinks(
    repository: TestRepository,
    files: Record<string, string>,
    links: Record<string, string>,
  ): Promise<void> {
    const entriesOf = async (prefix: string): Promise<RawEntry[]> => {
      const entries: RawEntry[] = [];
      const folders = new Set<string>();
      for (const [path, content] of Object.entries({ ...files, ...links })) {
        if (!path.startsWith(prefix)) continue;
        const [name = '', ...below] = path.slice(prefix.length).split('/');
        if (below.length > 0) folders.add(name);
        else {
          const mode = path in links ? '120000' : '100644';
          entries.push({ mode, type: 'blob', oid: await repository.blob(content), name });
        }
      }
      for (const name of folders) {
        const oid = await repository.tree(await entriesOf(`${prefix}${name}/`));
        entries.push({ mode: '040000', type: 'tree', oid, name });
      }
      return entries;
    };
    await repository.commitTree(await repository.tree(await entriesOf('')));
  }

  it('are laid out as the files and folders that they lead to', async () => {
    const { repository, gitUrl, context } = await served();
    await commitLinks(
      repository,
      { 'model.py': 'model', 'lib/a.py': 'a', 'lib/deep/b.py': 'b' },
      { 'docs/x': '../model.py', 'docs/lib': '../lib', twice: './docs//x', 'lib/deep/up': '../a.py' },
    );

    const { directory } = await checkout({ gitUrl, gitTag: 'main' }, context);

    expect(await codeIn(directory)).toEqual({
      'model.py': 'model',
      'docs/x': 'model',
      twice: 'model',
      'lib/a.py': 'a',
      'lib/deep/b.py': 'b',
      'lib/deep/up': 'a',
      'docs/lib/a.py': 'a',
      'docs/lib/deep/b.py': 'b',
      'docs/lib/deep/up': 'a',
    });
  });

  it('may lead from the folder of the codebase to another one of the repository', async () => {
    const { repository, gitUrl, context } = await served();
    await commitLinks(
      repository,
      { 'svm/model.py': 'model', 'shared/a.py': 'a' },
      { 'svm/a.py': '../shared/a.py' },
    );

    const { directory } = await checkout({ gitUrl, gitTag: 'main', gitPath: 'svm' }, context);

    expect(await codeIn(directory)).toEqual({ 'model.py': 'model', 'a.py': 'a' });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['an absolute path', { x: '/etc/passwd' }, /absolute path \("x"\)/],
    ['a path out of the repository', { 'docs/x': '../../secret' }, /leaves the repository \("docs\/x"\)/],
    [
      'a way out through another link',
      { up: 'docs/..', 'docs/x': '../up/../secret' },
      /leaves the repository \("docs\/x"\)/,
    ],
    ['nothing', { x: 'gone.py' }, /"gone.py", which is not in the repository \("x"\)/],
    ['a name in another case', { x: 'Model.py' }, /not in the repository/],
    ['something below a file', { x: 'model.py/y' }, /not in the repository/],
    ['itself', { x: 'x' }, /circle \("x"\)/],
    ['a link that leads back', { x: 'y', y: 'x' }, /circle/],
    ['the folder that it is in', { 'docs/x': '.' }, /circle \("docs\/x"\)/],
    ['a folder that leads back', { 'docs/x': '../lib', 'lib/y': '../docs' }, /circle/],
    ['a file, under a name that differs in case from another one', { 'MODEL.py': 'docs/a.md' }, /model\.py/i],
  ])('are refused by name when they lead to %s', async (_what, links, message) => {
    const { repository, gitUrl, context } = await served();
    await commitLinks(repository, { 'model.py': 'model', 'docs/a.md': 'a', 'lib/b.md': 'b' }, links);

    await expect(checkout({ gitUrl, gitTag: 'main' }, context)).rejects.toMatchObject({
      code: 'GitContentRefused',
      message: expect.stringMatching(message),
    });
    expect(await checkoutsIn(context)).toEqual([]);
  });

  it('are refused when they multiply the files of the repository without end', async () => {
    const { server, repository, gitUrl } = await served();
    const context = gitContext({ hosts: [server.origin], limits: { files: 500 } });
    const links: Record<string, string> = {};
    for (let level = 1; level <= 8; level += 1)
      for (const name of ['a', 'b', 'c']) links[`l${level}/${name}`] = `../l${level - 1}`;
    await commitLinks(repository, { 'l0/file': 'x' }, links);

    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitTooLarge');
  });
});

describe('a hostile repository', () => {
  const link = '120000';
  const file = '100644';

  it.each<[string, (repository: TestRepository, blob: string, tree: string) => RawEntry[]]>([
    ['a name that climbs', (_r, blob) => [{ mode: file, type: 'blob', oid: blob, name: '..' }]],
    ['a folder that climbs', (_r, _b, tree) => [{ mode: '040000', type: 'tree', oid: tree, name: '..' }]],
    ['a folder that stays', (_r, _b, tree) => [{ mode: '040000', type: 'tree', oid: tree, name: '.' }]],
    ['a .git', (_r, _b, tree) => [{ mode: '040000', type: 'tree', oid: tree, name: '.git' }]],
    ['a .GIT', (_r, blob) => [{ mode: file, type: 'blob', oid: blob, name: '.GIT' }]],
    ['the 8.3 form of .git', (_r, _b, tree) => [{ mode: '040000', type: 'tree', oid: tree, name: 'GIT~1' }]],
    [
      'a .git with a dot behind it',
      (_r, _b, tree) => [{ mode: '040000', type: 'tree', oid: tree, name: '.git.' }],
    ],
    [
      'a .git that HFS+ sees',
      (_r, _b, tree) => [{ mode: '040000', type: 'tree', oid: tree, name: '.g\u200cit' }],
    ],
    ['a backslash', (_r, blob) => [{ mode: file, type: 'blob', oid: blob, name: '..\\up' }]],
    ['a line feed', (_r, blob) => [{ mode: file, type: 'blob', oid: blob, name: 'a\nb' }]],
    ['a symbolic link', (_r, blob) => [{ mode: link, type: 'blob', oid: blob, name: 'link' }]],
    ['a submodule', () => [{ mode: '160000', type: 'commit', oid: 'c'.repeat(40), name: 'sub' }]],
    [
      'names that differ in case',
      (_r, blob) => [
        { mode: file, type: 'blob', oid: blob, name: 'a.ts' },
        { mode: file, type: 'blob', oid: blob, name: 'A.ts' },
      ],
    ],
    [
      'names that differ in how Unicode is written',
      (_r, blob) => [
        { mode: file, type: 'blob', oid: blob, name: '\u00fc' },
        { mode: file, type: 'blob', oid: blob, name: 'u\u0308' },
      ],
    ],
    [
      'a file and a folder of one name',
      (_r, blob, tree) => [
        { mode: file, type: 'blob', oid: blob, name: 'a' },
        { mode: '040000', type: 'tree', oid: tree, name: 'A' },
      ],
    ],
  ])('is refused whole for %s', async (_name, entries) => {
    const { repository, gitUrl, context } = await served();
    const blob = await repository.blob('x');
    const tree = await repository.treeOf({ 'file.ts': 'x' });
    await repository.commitTree(await repository.tree(entries(repository, blob, tree)));

    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitContentRefused');
    expect(await checkoutsIn(context)).toEqual([]);
  });

  it('is refused for a name that is not UTF-8', async () => {
    const { repository, gitUrl, context } = await served();
    await repository.git('config', 'core.quotepath', 'false');
    const blob = await repository.blob('x');
    const raw = Buffer.concat([Buffer.from('100644 a\xff\0', 'latin1'), Buffer.from(blob, 'hex')]);
    const tree = await repository.rawObject('tree', raw);
    await repository.commitTree(tree);

    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitContentRefused');
  });

  it('is refused when it holds folders within folders many times over', async () => {
    const { repository, gitUrl, context } = await served();
    let tree = await repository.treeOf({ file: 'x' });
    for (let depth = 0; depth < 8; depth += 1)
      tree = await repository.tree(
        Array.from({ length: 10 }, (_, name) => ({
          mode: '040000',
          type: 'tree',
          oid: tree,
          name: `${name}`,
        })),
      );
    await repository.commitTree(tree);

    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitTooLarge');
  });

  it('is refused beyond the limits of a file, of all files, and of what is sent', async () => {
    const { repository, gitUrl, server } = await served();
    await repository.commit({ a: 'x'.repeat(3000), b: 'y'.repeat(3000), 'c/d': 'z' });
    const limited = (limits: GitContext['limits']) =>
      codeOf(
        checkout(
          { gitUrl, gitTag: 'main' },
          gitContext({ hosts: [server.origin], ...(limits && { limits }) }),
        ),
      );

    expect(await limited({ fileBytes: 2999 })).toBe('GitTooLarge');
    expect(await limited({ unpackedBytes: 5000 })).toBe('GitTooLarge');
    expect(await limited({ packBytes: 100 })).toBe('GitTooLarge');
    expect(await limited({ objects: 3 })).toBe('GitTooLarge');
    expect(await limited({ files: 3 })).toBe('GitTooLarge');
    expect(await limited({ fileBytes: 3000, files: 4 })).toMatchObject({ fulfilled: {} });
  });

  it('is refused for a pointer of Git LFS, by name', async () => {
    const { repository, gitUrl, context } = await served();
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;
    await repository.commit({ 'weights/model.bin': pointer });

    const failure = await failureOf(checkout({ gitUrl, gitTag: 'main' }, context));

    expect(failure).toMatchObject({
      code: 'GitContentRefused',
      message: expect.stringContaining('weights/model.bin'),
    });
    expect(failure.message).toContain('LFS');
  });

  it('runs no filter and no hook', async () => {
    const { repository, gitUrl, context } = await served();
    await repository.commit({
      '.gitattributes': '*.ts filter=evil eol=crlf ident',
      'adapter.ts': 'a\n$Id$\n',
    });

    const { directory } = await checkout({ gitUrl, gitTag: 'main' }, context);

    expect(await readFile(join(directory, 'adapter.ts'), 'utf8')).toBe('a\n$Id$\n');
  });
});

describe('credentials', () => {
  const secret = 'hunter2-planted';
  const secrets = new Secrets({
    MODELFN_SECRET_USER: 'ada',
    MODELFN_SECRET_TOKEN: secret,
    MODELFN_SECRET_WRONG: 'w',
  });
  const named = { username: { key: 'MODELFN_SECRET_USER' }, password: { key: 'MODELFN_SECRET_TOKEN' } };

  async function guarded() {
    const all = await served();
    await all.repository.commit(ONE);
    all.server.credentials = `ada:${secret}`;
    return { ...all, context: gitContext({ hosts: [all.server.origin], secrets }) };
  }

  it('open a private repository, by the names of their variables', async () => {
    const { gitUrl, context } = await guarded();

    const { directory } = await checkout({ gitUrl, gitTag: 'main', credentials: named }, context);

    expect(await codeIn(directory)).toEqual(ONE);
  });

  it('that are missing or wrong are told apart from a repository that is not there', async () => {
    const { gitUrl, context } = await guarded();
    const wrong = { ...named, password: { key: 'MODELFN_SECRET_WRONG' } };

    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitAccessDenied');
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main', credentials: wrong }, context))).toBe(
      'GitAccessDenied',
    );
  });

  it('whose variable is not set are told with those that are', async () => {
    const { gitUrl, context } = await guarded();
    const none = { password: { key: 'MODELFN_SECRET_NONE' } };

    await expect(checkout({ gitUrl, gitTag: 'main', credentials: none }, context)).rejects.toMatchObject({
      code: 'GitSecretMissing',
      message: expect.stringContaining('MODELFN_SECRET_TOKEN'),
    });
  });

  it('are not sent to a host that is not listed', async () => {
    const { server, gitUrl, context } = await guarded();
    const open = checkout(
      { gitUrl, gitTag: 'main', credentials: named },
      { ...context, hosts: ['https://github.com'] },
    );

    expect(await codeOf(open)).toBe('GitHostNotAllowed');
    expect(server.requests).toEqual([]);
  });

  it('of one spec do not open what another fetched: not by its commit either', async () => {
    const { server, repository, gitUrl, context } = await guarded();
    await checkout({ gitUrl, gitTag: 'main', credentials: named }, context);
    server.requests.length = 0;

    const commit = (await repository.tip())!;

    expect(await codeOf(checkout({ gitUrl, gitTag: commit }, context))).toBe('GitAccessDenied');
    expect(await codeOf(checkout({ gitUrl, gitTag: commit, credentials: named }, context))).toMatchObject({
      fulfilled: { digest: commit },
    });
  });

  it('appear in no error and stay with their origin', async () => {
    const { server, gitUrl, context } = await guarded();
    const elsewhere = await GitServer.start();
    const spec = { gitUrl, gitTag: 'main', credentials: named };
    const faults = [
      { status: 401, body: secret },
      { status: 403, body: secret },
      { status: 500, body: secret },
      { status: 302, headers: { location: `${elsewhere.origin}/1.git/info/refs?service=git-upload-pack` } },
      {
        status: 307,
        headers: { location: `http://ada:${secret}@127.0.0.1:1/1.git/info/refs?service=git-upload-pack` },
      },
      { status: 200, headers: { 'content-type': secret } },
      { cutAfterBytes: 30 },
    ];

    for (const fault of faults) {
      server.fault = () => fault;
      const failure = await failureOf(checkout(spec, context));
      const told = [inspect(failure, { depth: 9 }), JSON.stringify(failure)].join('\n');
      if (!('headers' in fault && 'content-type' in fault.headers)) expect(told).not.toContain(secret);
      expect(told).not.toContain(Buffer.from(`ada:${secret}`).toString('base64'));
      expect(failure).toHaveProperty('code');
    }
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('a git server with faults', () => {
  it('may redirect inside its origin, to another place it may not', async () => {
    const { server, repository, gitUrl, context } = await served();
    await repository.commit(ONE);
    const moved = gitUrl.replace('/1.git', '/old.git');
    const target = (location: string) => ({ status: 301, headers: { location } });
    server.fault = ({ url }) =>
      url.startsWith('/old.git') ? target('/1.git/info/refs?service=git-upload-pack') : undefined;
    expect((await checkout({ gitUrl: moved, gitTag: 'main' }, context)).digest).toBe(await repository.tip());

    for (const location of [
      'http://127.0.0.1:1/1.git/info/refs?service=git-upload-pack',
      'file:///etc/passwd',
      '/1.git/something-else',
      '/old.git/info/refs?service=git-upload-pack',
    ]) {
      server.fault = () => target(location);
      expect(await codeOf(checkout({ gitUrl: moved, gitTag: 'main' }, context))).toBe('GitRedirectRefused');
    }
  });

  it('is unavailable when it breaks off anywhere, and nothing half is kept', async () => {
    const { server, repository, gitUrl, context } = await served();
    await repository.commit({ 'adapter.ts': 'x'.repeat(5000) });

    for (const cutAfterBytes of [0, 3, 50, 200]) {
      for (const method of ['GET', 'POST']) {
        server.fault = (request) => (request.method === method ? { cutAfterBytes } : undefined);
        expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitUnavailable');
      }
    }
    expect(await checkoutsIn(context)).toEqual([]);
    server.fault = () => undefined;
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toMatchObject({ fulfilled: {} });
  });

  it('is unavailable when it fails, is not there, or says nothing', async () => {
    const { server, repository, gitUrl } = await served();
    await repository.commit(ONE);
    const context = gitContext({ hosts: [server.origin, 'http://127.0.0.1:1'], limits: { idleMs: 50 } });

    for (const status of [429, 500, 503]) {
      server.fault = () => ({ status });
      expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitUnavailable');
    }
    expect(await codeOf(checkout({ gitUrl: 'http://127.0.0.1:1/x.git', gitTag: 'main' }, context))).toBe(
      'GitUnavailable',
    );
    const silence = Promise.withResolvers<undefined>();
    server.fault = () => silence.promise;
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitUnavailable');
    silence.resolve(undefined);
  });

  it('is not understood when it is a page, or an old server of plain files', async () => {
    const { server, gitUrl, context } = await served();
    server.fault = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' });
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitProtocolError');

    server.fault = () => ({
      status: 200,
      headers: { 'content-type': 'application/x-git-upload-pack-advertisement' },
      body: 'not a line of git',
    });
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitProtocolError');
  });

  it('is left when the signal says so, with its reason', async () => {
    const { server, repository, gitUrl, context } = await served();
    await repository.commit(ONE);
    const reason = new Error('enough');
    const controller = new AbortController();
    const silence = Promise.withResolvers<undefined>();
    server.fault = () => {
      controller.abort(reason);
      return silence.promise;
    };

    await expect(checkout({ gitUrl, gitTag: 'main' }, context, controller.signal)).rejects.toBe(reason);
    silence.resolve(undefined);
  });
});

describe('a process that checks out', () => {
  const program = join(import.meta.dirname, 'checkout-git.ts');

  it('needs no git program: it works with an empty PATH', async () => {
    const { server, repository, gitUrl } = await served();
    await repository.commit(ONE);
    const child = fork(program, [gitUrl, server.origin, temporaryFolder()], { env: { PATH: '' } });

    const [answer] = await once(child, 'message');

    expect(answer).toEqual({ digest: await repository.tip(), code: ONE });
  });

  it('shares the cache with others that do it at the same instant', async () => {
    const { server, repository, gitUrl, context } = await served();
    await repository.commit(ONE);
    const children = [1, 2, 3].map(() => fork(program, [gitUrl, server.origin, context.cacheDirectory]));

    const answers = await Promise.all(children.map(async (child) => (await once(child, 'message'))[0]));

    const expected = { digest: await repository.tip(), code: ONE };
    expect(answers).toEqual([expected, expected, expected]);
    expect(await checkoutsIn(context)).toEqual([expected.digest]);
  });

  it('leaves nothing half when it is killed in the middle', async () => {
    const { server, repository, gitUrl, context } = await served();
    const files = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`f${index}.ts`, `${index}`]));
    await repository.commit(files);
    const child = fork(program, [gitUrl, server.origin, context.cacheDirectory, 'tell']);
    await once(child, 'message');

    child.kill('SIGKILL');
    await once(child, 'exit');

    expect(await checkoutsIn(context)).toEqual([]);
    const { directory } = await checkout({ gitUrl, gitTag: 'main' }, context);
    expect(await codeIn(directory)).toEqual(files);
  });
});

describe('a git codebase in a folder', () => {
  it('is read without git, bare or with a working tree, packed or not, inside the roots', async () => {
    const root = temporaryFolder();
    const bare = await TestRepository.make(root, 'bare.git');
    const one = await bare.commit(ONE);
    await bare.git('tag', '-a', '-m', 'first', 'v1', one);
    const two = await bare.commit(TWO);
    await bare.git('clone', '--quiet', bare.folder, join(root, 'work'));
    await bare.git('gc', '--quiet');
    const context = gitContext({ localRoots: { allowed: [root], private: [] } });

    for (const [folder, gitTag, commit] of [
      ['bare.git', 'main', two],
      ['bare.git', 'v1', one],
      ['bare.git', one, one],
      ['bare.git', one.slice(0, 9), one],
      ['work/.git', 'main', two],
    ] as const) {
      const found = await checkout({ gitUrl: `file://${root}/${folder}`, gitTag }, context);
      expect(found.digest).toBe(commit);
      expect(await codeIn(found.directory)).toEqual(commit === one ? ONE : TWO);
    }
  });

  it('is refused outside the roots, also through a link', async () => {
    const outside = await TestRepository.make();
    const root = temporaryFolder();
    await symlink(outside.folder, join(root, 'link.git'));
    const context = gitContext({ localRoots: { allowed: [root], private: [] } });

    for (const gitUrl of [`file://${outside.folder}`, `file://${root}/link.git`])
      await expect(checkout({ gitUrl, gitTag: 'main' }, context)).rejects.toMatchObject({
        code: 'GitFolderNotAllowed',
        message: expect.stringContaining('MODELFN_LOCAL_ROOTS'),
      });
  });

  it('is refused when it is none, or keeps its objects elsewhere or in another form', async () => {
    const root = temporaryFolder();
    const context = gitContext({ localRoots: { allowed: [root], private: [] } });
    await mkdir(join(root, 'empty.git'));
    const alternate = await TestRepository.make(root, 'alternate.git');
    await writeFile(join(alternate.folder, 'objects/info/alternates'), '/elsewhere/objects\n');
    const other = await TestRepository.make(root, 'other.git');
    await other.git('config', 'extensions.objectFormat', 'sha256').catch(() => {});
    const outside = await TestRepository.make();
    await outside.commit(ONE);
    const escaping = await TestRepository.make(root, 'escaping.git');
    await escaping.commit(ONE);
    await rm(join(escaping.folder, 'objects'), { recursive: true });
    await symlink(join(outside.folder, 'objects'), join(escaping.folder, 'objects'));

    for (const name of ['empty.git', 'alternate.git', 'other.git', 'escaping.git', 'absent.git'])
      expect(await codeOf(checkout({ gitUrl: `file://${root}/${name}`, gitTag: 'main' }, context))).toBe(
        'GitRepositoryNotFound',
      );
  });
});

describe('a git codebase over ssh', () => {
  /** What `ssh` is to git: it notes its words and runs the last of them here. */
  async function fakeSsh(): Promise<{ program: string; words: () => Promise<string[]> }> {
    const folder = temporaryFolder();
    const program = join(folder, 'ssh');
    const log = join(folder, 'words');
    await writeFile(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${log}\nfor last; do :; done\nexec sh -c "$last"\n`,
    );
    await chmod(program, 0o755);
    return { program, words: async () => (await readFile(log, 'utf8')).trim().split('\n') };
  }

  it('is fetched over one channel, with words that cannot be taken for options', async () => {
    const repository = await TestRepository.make();
    const commit = await repository.commit(ONE);
    const { program, words } = await fakeSsh();
    const context = gitContext({ hosts: ['ssh://git@host:2222'], sshProgram: program });

    const found = await checkout(
      { gitUrl: `ssh://git@host:2222${repository.folder}`, gitTag: 'main' },
      context,
    );

    expect(found.digest).toBe(commit);
    expect(await codeIn(found.directory)).toEqual(ONE);
    const said = await words();
    expect(said).toContain('-oBatchMode=yes');
    expect(said.slice(-5)).toEqual([
      '-p',
      '2222',
      '--',
      'git@host',
      `git-upload-pack '${repository.folder}'`,
    ]);
  });

  it('tells when there is no repository, no program, and no permission', async () => {
    const { program } = await fakeSsh();
    const open = (gitUrl: string, sshProgram: string) =>
      codeOf(checkout({ gitUrl, gitTag: 'main' }, gitContext({ hosts: ['ssh://git@host'], sshProgram })));

    expect(await open('ssh://git@host/none.git', program)).toBe('GitRepositoryNotFound');
    expect(await open('ssh://git@host/none.git', '/nonexistent/ssh')).toBe('GitProgramMissing');
    const refusing = join(temporaryFolder(), 'ssh');
    await writeFile(refusing, '#!/bin/sh\necho "git@host: Permission denied (publickey)." >&2\nexit 255\n');
    await chmod(refusing, 0o755);
    expect(await open('ssh://git@host/none.git', refusing)).toBe('GitAccessDenied');
  });

  it('is not opened unless its user and host are listed, nor with credentials', async () => {
    const { program } = await fakeSsh();
    const gitUrl = 'ssh://git@host/x.git';
    const context = gitContext({ sshProgram: program });
    const credentials = { password: { key: 'MODELFN_SECRET_TOKEN' } };

    expect(await codeOf(checkout({ gitUrl, gitTag: 'main' }, context))).toBe('GitHostNotAllowed');
    expect(await codeOf(checkout({ gitUrl, gitTag: 'main', credentials }, context))).toBe(
      'GitAddressRefused',
    );
  });
});

/** Folders that look like finished checkouts. */
async function checkoutsIn({ cacheDirectory }: GitContext): Promise<string[]> {
  const found: string[] = [];
  for (const repository of await readdir(cacheDirectory))
    found.push(...(await readdir(join(cacheDirectory, repository, 'checkouts')).catch(() => [])));
  return found.filter((name) => name !== 'tmp');
}
