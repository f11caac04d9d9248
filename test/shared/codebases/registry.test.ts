import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ARCHIVE_LIMITS, packFolder } from '../../../shared/codebases/archive.ts';
import type { Codebase } from '../../../shared/codebases/codebase.ts';
import type { ArchiveItem } from '../../../shared/codebases/item.ts';
import { CODEBASE_TYPES, type CodebaseContext, openCodebase } from '../../../shared/codebases/registry.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import type { CodebaseSpec, CodebaseType } from '../../../shared/entities/codebase-spec.ts';
import { codeOf } from '../../contracts/bucket.contract.ts';
import { codebaseContract } from '../../contracts/codebase.contract.ts';
import { type GcsServer, startGcsServer } from '../../support/gcs-server.ts';
import { gitContext } from '../../support/git-context.ts';
import { GIT_MISSING } from '../../support/git-program.ts';
import { GitServer } from '../../support/git-server.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { type Code, codeIn } from './code-in.ts';

async function folderOf(code: Code): Promise<string> {
  const folder = temporaryFolder();
  for (const [path, text] of Object.entries(code)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

function context(more: Partial<CodebaseContext> = {}): CodebaseContext {
  return {
    localRoots: { allowed: [], private: [] },
    cacheDirectory: '/nonexistent',
    readItem: () => Promise.reject(new Error('no item was planned for')),
    git: gitContext(),
    gcs: { credentials: 'anonymous', endpoint: 'http://127.0.0.1:1', buckets: undefined },
    ...more,
  };
}

function itemOf(bytes: Uint8Array, sha256 = sha256Of(bytes)): ArchiveItem {
  return { name: '0.zip', sha256, bytes: async () => bytes };
}

function openItem(item: ArchiveItem, cacheDirectory: string): Promise<Codebase> {
  return openCodebase(
    { type: 'item', itemId: 'zip-1' },
    context({ cacheDirectory, readItem: async () => item }),
  );
}

const ZIP = 'code/adapter.zip';

async function gcsServerWith(archive: Uint8Array): Promise<GcsServer> {
  const server = await startGcsServer('test-code');
  onTestFinished(() => server.close());
  server.buckets.get('test-code')!.put({ name: ZIP, bytes: Buffer.from(archive) }, null);
  return server;
}

function openGcs(server: GcsServer, cacheDirectory: string, gcsPrefix = ZIP): Promise<Codebase> {
  const gcs = { credentials: 'anonymous', endpoint: server.origin, buckets: ['test-code/code'] };
  return openCodebase(
    { type: 'gcs', gcsProjectName: 'test-project', gcsBucketName: 'test-code', gcsPrefix },
    context({ cacheDirectory, gcs }),
  );
}

/** An opener for each type of the registry: a driver without one does not compile. */
const OPENERS: Record<CodebaseType, (code: Code) => Promise<Codebase>> = {
  local: async (code) => {
    const localPath = await folderOf(code);
    return openCodebase(
      { type: 'local', localPath },
      context({ localRoots: { allowed: [localPath], private: [] } }),
    );
  },
  item: async (code) => openItem(itemOf(await packFolder(await folderOf(code))), temporaryFolder()),
  git: async (code) => {
    const server = await GitServer.start();
    const { repository, gitUrl } = await server.repository();
    await repository.commit(code);
    return openCodebase(
      { type: 'git', gitUrl, gitTag: 'main' },
      context({ git: gitContext({ hosts: [server.origin] }) }),
    );
  },
  gcs: async (code) => {
    const server = await gcsServerWith(await packFolder(await folderOf(code)));
    return openGcs(server, temporaryFolder());
  },
};

for (const type of CODEBASE_TYPES) {
  if (type === 'git' && GIT_MISSING !== undefined)
    console.log(`codebase contract: git is left out: ${GIT_MISSING}`);
  else codebaseContract(type, OPENERS[type]);
}

describe('a local codebase', () => {
  it('leaves out of its digest what is not its code', async () => {
    const code = { 'adapter.ts': 'a' };
    const junk = {
      'node_modules/x/index.js': 'x',
      '.git/HEAD': 'h',
      '.env': 'SECRET=1',
      'lib/__pycache__/a.pyc': 'p',
    };

    const plain = await (await OPENERS.local(code)).checkout();
    const messy = await (await OPENERS.local({ ...code, ...junk })).checkout();

    expect(messy.digest).toBe(plain.digest);
  });

  it('refuses a link that leaves it', async () => {
    const localPath = await folderOf({ 'adapter.ts': 'a' });
    await symlink('/etc/hostname', join(localPath, 'lib.ts'));
    const codebase = await openCodebase(
      { type: 'local', localPath },
      context({ localRoots: { allowed: [localPath], private: [] } }),
    );

    expect(await codeOf(codebase.checkout())).toBe('FileRefused');
  });

  it('must lie inside the roots, exist, and be named', async () => {
    const root = temporaryFolder();
    const allowed = context({ localRoots: { allowed: [join(root, 'allowed')], private: [] } });
    const open = (localPath: string | null) => openCodebase({ type: 'local', localPath }, allowed);

    for (const path of [root, join(root, 'allowed2'), `${root}/allowed/../x`, 'relative'])
      await expect(open(path)).rejects.toMatchObject({
        code: 'CodebaseNotAllowed',
        message: expect.stringContaining('MODELFN_LOCAL_ROOTS'),
      });
    expect(await codeOf((await open(join(root, 'allowed/none'))).checkout())).toBe('CodebaseNotFound');
    expect(await codeOf(open(null))).toBe('CodebaseNotFound');
  });

  it('of a type nobody knows names those there are', async () => {
    await expect(openCodebase({ type: 's3' } as unknown as CodebaseSpec, context())).rejects.toMatchObject({
      code: 'CodebaseDriverMissing',
      message: expect.stringContaining('local, item'),
    });
  });
});

describe('an item codebase', () => {
  it('is unpacked once a machine, and its bytes are not asked for again', async () => {
    const archive = await packFolder(await folderOf({ 'adapter.ts': 'a' }));
    const cache = temporaryFolder();
    const first = await (await openItem(itemOf(archive), cache)).checkout();
    const item = { ...itemOf(archive), bytes: () => Promise.reject(new Error('asked again')) };

    const second = await (await openItem(item, cache)).checkout();

    expect(second).toEqual(first);
    expect(first.digest).toBe(sha256Of(archive));
  });

  it('refuses bytes that are not those of the item', async () => {
    const archive = await packFolder(await folderOf({ 'adapter.ts': 'a' }));
    const cache = temporaryFolder();

    expect(await codeOf((await openItem(itemOf(archive, sha256Of('other')), cache)).checkout())).toBe(
      'ContentCorrupt',
    );
    expect(await readdir(cache)).toEqual([]);
  });

  it('leaves nothing behind of an archive that is refused half way', async () => {
    const archive = Buffer.from(await packFolder(await folderOf({ 'a.ts': 'a', 'z.ts': 'some text' })));
    const checksumOfLast = archive.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 16;
    archive[checksumOfLast] = archive[checksumOfLast]! ^ 1;
    const cache = temporaryFolder();

    expect(await codeOf((await openItem(itemOf(archive), cache)).checkout())).toBe('ArchiveRefused');
    expect(await readdir(cache)).toEqual(['tmp']);
    expect(await readdir(join(cache, 'tmp'))).toEqual([]);
  });

  it('may be unpacked by several at once: all get the whole', async () => {
    const code = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`lib/${index}.ts`, `${index}`]),
    );
    const item = itemOf(await packFolder(await folderOf(code)));
    const cache = temporaryFolder();
    const codebases = await Promise.all(Array.from({ length: 6 }, () => openItem(item, cache)));

    const checkouts = await Promise.all(codebases.map((codebase) => codebase.checkout()));

    for (const { directory } of checkouts) expect(await codeIn(directory)).toEqual(code);
    expect(await readdir(join(cache, 'tmp'))).toEqual([]);
  });
});

describe('a gcs codebase', () => {
  const CODE = { 'adapter.ts': 'a' };
  const callsOf = ({ requests }: GcsServer) => requests.map(({ call }) => call);

  it('is fetched once a machine while its object stays the same, and has the digest of the zip', async () => {
    const archive = await packFolder(await folderOf(CODE));
    const server = await gcsServerWith(archive);
    const cache = temporaryFolder();

    const first = await (await openGcs(server, cache)).checkout();
    const second = await (await openGcs(server, cache)).checkout();

    expect(callsOf(server)).toEqual(['stat', 'read', 'stat']);
    expect(second).toEqual(first);
    expect(first.digest).toBe(sha256Of(archive));
  });

  it('is fetched again when its object is replaced, or its folder was swept away', async () => {
    const server = await gcsServerWith(await packFolder(await folderOf(CODE)));
    const cache = temporaryFolder();
    const codebase = await openGcs(server, cache);
    const first = await codebase.checkout();

    const newer = await packFolder(await folderOf({ 'adapter.ts': 'b' }));
    server.buckets.get('test-code')!.put({ name: ZIP, bytes: Buffer.from(newer) }, null);
    const second = await codebase.checkout();
    await rm(second.directory, { recursive: true });
    const third = await codebase.checkout();

    expect(second.digest).not.toBe(first.digest);
    expect(third.digest).toBe(second.digest);
    expect(await codeIn(third.directory)).toEqual({ 'adapter.ts': 'b' });
  });

  it('checks out the newer archive when the object is replaced between the look and the fetch', async () => {
    const server = await gcsServerWith(await packFolder(await folderOf(CODE)));
    const newer = await packFolder(await folderOf({ 'adapter.ts': 'b' }));
    server.decide = ({ number }) => {
      if (number === 2) server.buckets.get('test-code')!.put({ name: ZIP, bytes: Buffer.from(newer) }, null);
      return { kind: 'pass' };
    };

    const { directory } = await (await openGcs(server, temporaryFolder())).checkout();

    expect(await codeIn(directory)).toEqual({ 'adapter.ts': 'b' });
    expect(callsOf(server)).toEqual(['stat', 'read', 'stat', 'read']);
  });

  it('names the object that is not there, and refuses what is no zip without leaving anything', async () => {
    const server = await gcsServerWith(Buffer.from('no zip at all'));
    const cache = temporaryFolder();

    await expect((await openGcs(server, cache, 'code/none.zip')).checkout()).rejects.toMatchObject({
      code: 'CodebaseNotFound',
      message: expect.stringContaining('"code/none.zip"'),
    });
    expect(await codeOf((await openGcs(server, cache)).checkout())).toBe('ArchiveRefused');
    expect(await readdir(cache)).toEqual(['tmp']);
    expect(await readdir(join(cache, 'tmp'))).toEqual([]);
  });

  it('refuses an archive that is too large before it is fetched', async () => {
    const server = await gcsServerWith(Buffer.alloc(ARCHIVE_LIMITS.archiveBytes + 1));

    expect(await codeOf((await openGcs(server, temporaryFolder())).checkout())).toBe('ArchiveRefused');
    expect(callsOf(server)).toEqual(['stat']);
  });

  it('must lie in the allowed buckets', async () => {
    const server = await gcsServerWith(Buffer.from(''));

    for (const path of ['codes/adapter.zip', 'adapter.zip'])
      await expect(openGcs(server, temporaryFolder(), path)).rejects.toMatchObject({
        code: 'GcsPlaceNotAllowed',
        message: expect.stringContaining('MODELFN_GCS_BUCKETS'),
      });
  });
});

it('equal folders pack to equal bytes, whatever their times', async () => {
  const code = { 'b.ts': 'b', 'a/c.ts': 'c' };
  const [one, two] = [
    await folderOf(code),
    await folderOf(Object.fromEntries(Object.entries(code).reverse())),
  ];
  await utimes(join(two, 'b.ts'), 1e9, 1e9);

  expect(await packFolder(two)).toEqual(await packFolder(one));
});
