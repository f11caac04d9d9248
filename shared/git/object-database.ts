import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as git from 'isomorphic-git';
import { sweepTemporary, writeTemporary } from '../content/temporary-file.ts';
import { hasCode, messageOf, systemCode } from '../errors.ts';
import { GitContentRefused, GitTooLarge, shown } from './errors.ts';
import { refuseLfsPointer } from './lfs-pointer.ts';
import type { GitLimits } from './limits.ts';
import type { GitObject } from './pack-objects.ts';
import { scanPack } from './scan-pack.ts';
import { WHOLE_FILES } from './whole-files.ts';

export interface TreeEntry {
  mode: string;
  name: string;
  oid: string;
}

/** The objects of one repository's folder. Several processes may read and add at once: objects never change. */
export class ObjectDatabase {
  readonly gitdir: string;
  readonly #limits: GitLimits;
  // isomorphic-git keeps the packs it read in here.
  #cache: object = {};

  constructor(gitdir: string, limits: GitLimits) {
    this.gitdir = gitdir;
    this.#limits = limits;
  }

  /** @throws GitContentRefused when it is not there or damaged */
  async read(oid: string): Promise<GitObject> {
    const found = await this.find(oid);
    if (found) return found;
    throw new GitContentRefused(
      `the object ${oid} is missing; if it is not missing there, remove the cache folder`,
    );
  }

  /** `undefined` when there is no such object. */
  async find(oid: string): Promise<GitObject | undefined> {
    try {
      const { object, type } = await git.readObject({ ...this.#place(), oid, format: 'content' });
      return { type: type as GitObject['type'], bytes: object as Uint8Array };
    } catch (error) {
      if (error instanceof git.Errors.NotFoundError) return undefined;
      throw unreadable(oid, error);
    }
  }

  /** The bytes of a file. `path` names it in an error. */
  async blob(oid: string, path: string): Promise<Uint8Array> {
    const { type, bytes } = await this.read(oid);
    if (type !== 'blob') throw new GitContentRefused(`it is a ${type}, no file`, path);
    refuseLfsPointer(bytes, path);
    return bytes;
  }

  async tree(oid: string): Promise<TreeEntry[]> {
    try {
      const { tree } = await git.readTree({ ...this.#place(), oid });
      return tree.map(({ mode, path, oid: entry }) => ({ mode, name: path, oid: entry }));
    } catch (error) {
      const unsafe = error instanceof git.Errors.UnsafeFilepathError;
      if (unsafe) throw new GitContentRefused('it has a hostile name', error.data.filepath, error);
      throw unreadable(oid, error);
    }
  }

  /** The ids of a commit's tree and parents. `undefined` when it is not here. */
  async commit(oid: string): Promise<{ tree: string; parents: string[] } | undefined> {
    const found = await this.find(oid);
    if (found === undefined) return undefined;
    if (found.type !== 'commit')
      throw new GitContentRefused(`the object ${oid} is a ${found.type}, no commit`);
    const { commit } = await git.readCommit({ ...this.#place(), oid });
    return { tree: commit.tree, parents: commit.parent };
  }

  /** The one commit whose id starts so; `undefined` when there is none, or more than one. */
  async expand(prefix: string): Promise<string | undefined> {
    try {
      return await git.expandOid({ ...this.#place(), oid: prefix });
    } catch {
      return undefined;
    }
  }

  /** Adds an object and answers its id. */
  add({ type, bytes }: GitObject): Promise<string> {
    return git.writeObject({ ...this.#place(), type, object: bytes, format: 'content' });
  }

  addCommit(commit: git.CommitObject): Promise<string> {
    return git.writeCommit({ ...this.#place(), commit });
  }

  /** Adds the objects of a pack, all or none. @throws GitTooLarge, GitContentRefused; what the source throws */
  async addPack(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
    const temporary = join(this.gitdir, 'modelfn-tmp');
    await sweepTemporary(temporary);
    const folder = join(temporary, randomBytes(12).toString('hex'));
    try {
      const { path } = await this.#receive(folder, source, signal);
      const pack = await readFile(path);
      if (scanPack(pack, this.#limits) === 0) return;
      await rename(path, join(folder, 'new.pack'));
      await git.indexPack({ ...this.#place(), dir: folder, filepath: 'new.pack' }).catch((error: unknown) => {
        throw unreadable('pack', error);
      });
      await this.#install(folder, pack.subarray(-20).toString('hex'));
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }

  #receive(folder: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
    const { packBytes } = this.#limits;
    return writeTemporary(folder, source, { maxBytes: packBytes, signal, durable: false }).catch(
      (error: unknown) => {
        if (!hasCode(error, 'ContentTooLarge')) throw error;
        throw new GitTooLarge('What the repository sends', `${packBytes} bytes`);
      },
    );
  }

  /** The index comes last: a pack without one is not looked at. */
  async #install(folder: string, name: string): Promise<void> {
    const packs = join(this.gitdir, 'objects/pack');
    await mkdir(packs, { recursive: true });
    for (const kind of ['pack', 'idx']) {
      const handle = await open(join(folder, `new.${kind}`), 'r+');
      await handle.sync().finally(() => handle.close());
      await rename(join(folder, `new.${kind}`), join(packs, `pack-${name}.${kind}`));
    }
    this.#cache = {};
  }

  #place() {
    return { fs: WHOLE_FILES, gitdir: this.gitdir, dir: this.gitdir, cache: this.#cache };
  }
}

/** A failure of the disk stays what it is; all else is a damaged object. */
function unreadable(what: string, error: unknown): unknown {
  const isSystem = systemCode(error) !== undefined && /^E[A-Z]+$/.test(systemCode(error)!);
  if (isSystem) return error;
  return new GitContentRefused(`${what} cannot be read: ${shown(messageOf(error))}`, undefined, error);
}
