import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as git from 'isomorphic-git';
import { isWithin } from '../content/contained-path.ts';
import { systemCode } from '../errors.ts';
import type { RemoteRefs } from './advertisement.ts';
import { GitPushRefused, GitRefMoved, GitRepositoryNotFound, GitWantRefused } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { ObjectDatabase } from './object-database.ts';
import { packObjects } from './pack-objects.ts';
import type { FetchRequest, GitRemote, PackFile, RefUpdate } from './remote.ts';
import { WHOLE_FILES } from './whole-files.ts';

/**
 * A repository in a folder of this machine, bare or with a working tree, served in process: no program is run, no hook,
 * no filter. A folder that borrows objects from another (alternates), is a linked working tree, or is kept in a form
 * that isomorphic-git does not read (sha256, reftable), is refused.
 */
export class FolderRemote implements GitRemote {
  readonly #url: string;
  readonly #folder: string;
  readonly #limits: GitLimits;

  /** `folder` was found to be allowed. */
  constructor(url: string, folder: string, limits: GitLimits) {
    this.#url = url;
    this.#folder = folder;
    this.#limits = limits;
  }

  async read<T>(
    session: (refs: RemoteRefs, fetch: (request: FetchRequest) => AsyncIterable<Uint8Array>) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted();
    const gitdir = await this.#open();
    const objects = new ObjectDatabase(gitdir, this.#limits);
    return session(await refsOf(gitdir, objects), (request) => upload(objects, request, signal));
  }

  async push(
    { branch, from, to }: RefUpdate,
    pack: PackFile,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const gitdir = await this.#open();
    const objects = new ObjectDatabase(gitdir, this.#limits);
    await this.#refuseCheckedOut(gitdir, branch);
    await objects.addPack(pack.chunks(), signal);
    const path = join(gitdir, branch);
    await mkdir(dirname(path), { recursive: true });
    const lock = await open(`${path}.lock`, 'wx').catch((error: unknown) => {
      if (systemCode(error) === 'EEXIST') throw new GitRefMoved(this.#url, branch);
      throw error;
    });
    try {
      if ((await oidOf(gitdir, branch)) !== from) throw new GitRefMoved(this.#url, branch);
      await lock.writeFile(`${to}\n`);
      await lock.sync();
      await rename(`${path}.lock`, path);
    } catch (error) {
      await rm(`${path}.lock`, { force: true });
      throw error;
    } finally {
      await lock.close();
    }
  }

  /** The repository's own folder. @throws GitRepositoryNotFound */
  async #open(): Promise<string> {
    const inside = join(this.#folder, '.git');
    const gitdir = (await isFolder(inside)) ? inside : this.#folder;
    const root = await realpath(this.#folder).catch(() => this.#refuse('no such folder'));
    for (const part of ['HEAD', 'objects', 'refs']) {
      const real = await realpath(join(gitdir, part)).catch(() => this.#refuse(`it has no ${part}`));
      if (!isWithin(root, real)) this.#refuse(`its ${part} lies outside of it`);
    }
    if ((await readFile(join(gitdir, 'objects/info/alternates'), 'utf8').catch(() => '')).trim() !== '')
      this.#refuse('it borrows objects from another repository (alternates)');
    const config = await readFile(join(gitdir, 'config'), 'utf8').catch(() => '');
    const extension = /^\s*(objectformat|refstorage)\s*=\s*(?!sha1\b|files\b)(\S+)/im.exec(config);
    if (extension) this.#refuse(`it is kept in the form ${extension[2]}, which is not read`);
    return gitdir;
  }

  /** As git does: the files of a working tree would no longer be those of its branch. */
  async #refuseCheckedOut(gitdir: string, branch: string): Promise<void> {
    const config = await readFile(join(gitdir, 'config'), 'utf8').catch(() => '');
    const linked = await readdir(join(gitdir, 'worktrees')).catch(() => []);
    const heads = linked.map((name) => join(gitdir, 'worktrees', name, 'HEAD'));
    if (!/^\s*bare\s*=\s*true\b/im.test(config)) heads.push(join(gitdir, 'HEAD'));
    for (const head of heads) {
      const text = await readFile(head, 'utf8').catch(() => '');
      if (text.trim() === `ref: ${branch}`)
        throw new GitPushRefused(
          this.#url,
          branch,
          'it is checked out there; use another branch, or a bare repository',
        );
    }
  }

  #refuse(detail: string): never {
    throw new GitRepositoryNotFound(this.#url, detail);
  }
}

async function refsOf(gitdir: string, objects: ObjectDatabase): Promise<RemoteRefs> {
  const refs = new Map<string, string>();
  const peeled = new Map<string, string>();
  const place = { fs: WHOLE_FILES, gitdir };
  for (const name of await git.listBranches(place)) await add(`refs/heads/${name}`);
  for (const name of await git.listTags(place)) await add(`refs/tags/${name}`);
  const head = await readFile(join(gitdir, 'HEAD'), 'utf8').catch(() => '');
  const branch = /^ref: (refs\/heads\/\S+)\s*$/.exec(head)?.[1];
  const detached = /^([0-9a-f]{40})\s*$/.exec(head)?.[1];
  if (detached !== undefined) refs.set('HEAD', detached);
  return { refs, peeled, head: branch };

  async function add(name: string): Promise<void> {
    const oid = await oidOf(gitdir, name);
    if (oid === undefined) return;
    refs.set(name, oid);
    const commit = name.startsWith('refs/tags/') ? await peel(objects, oid) : oid;
    if (commit !== oid) peeled.set(name, commit);
  }
}

/** The commit of an annotated tag; what is no tag stays as it is. */
async function peel(objects: ObjectDatabase, oid: string): Promise<string> {
  let at = oid;
  for (let depth = 0; depth < 10; depth += 1) {
    const found = await objects.find(at);
    const next =
      found?.type === 'tag' ? /^object ([0-9a-f]{40})$/m.exec(Buffer.from(found.bytes).toString()) : null;
    if (!next) return at;
    at = next[1]!;
  }
  return at;
}

async function oidOf(gitdir: string, ref: string): Promise<string | undefined> {
  try {
    return await git.resolveRef({ fs: WHOLE_FILES, gitdir, ref });
  } catch (error) {
    if (error instanceof git.Errors.NotFoundError) return undefined;
    throw error;
  }
}

/** The objects asked for and what they consist of, as a pack. */
async function* upload(
  objects: ObjectDatabase,
  { wants, haves, depth }: FetchRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const known = new Set<string>();
  for (const have of haves) {
    const commit = await objects.commit(have).catch(() => undefined);
    if (commit) await addTree(objects, commit.tree, known);
  }
  const sent = new Set<string>();
  for (const queue = [...wants]; queue.length > 0; ) {
    signal?.throwIfAborted();
    const oid = queue.pop()!;
    if (sent.has(oid)) continue;
    const commit = await objects.commit(oid);
    if (commit === undefined) throw new GitWantRefused(`not our ref ${oid}`);
    sent.add(oid);
    await addTree(objects, commit.tree, sent, known);
    if (depth === undefined) queue.push(...commit.parents);
  }
  yield* packObjects([...sent], (oid) => objects.read(oid), signal);
}

async function addTree(
  objects: ObjectDatabase,
  tree: string,
  found: Set<string>,
  known: ReadonlySet<string> = new Set(),
): Promise<void> {
  if (found.has(tree) || known.has(tree)) return;
  found.add(tree);
  for (const { mode, oid } of await objects.tree(tree)) {
    if (mode === '040000') await addTree(objects, oid, found, known);
    else if (mode !== '160000' && !known.has(oid)) found.add(oid);
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
