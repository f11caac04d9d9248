import { GitContentRefused, shown } from './errors.ts';
import type { ObjectDatabase, TreeEntry } from './object-database.ts';

/** File or folder of a commit that a symbolic link leads to. */
export type LinkTarget =
  | { kind: 'file'; oid: string }
  /** `folder`: names from the repository's root; none of them is a link. */
  | { kind: 'folder'; oid: string; folder: readonly string[] };

/** Links that lead to links, as the kernel counts them. */
const MAX_HOPS = 40;
const MAX_TARGET_BYTES = 4096;

/** Follows symbolic links by the trees of one commit alone: what lies on this machine's disk has no part in it. */
export class LinkFollower {
  readonly #objects: Pick<ObjectDatabase, 'read'>;
  readonly #root: string;
  readonly #treeOf: (oid: string) => Promise<TreeEntry[]>;

  /** `root`: tree of the commit. */
  constructor(
    objects: Pick<ObjectDatabase, 'read'>,
    root: string,
    treeOf: (oid: string) => Promise<TreeEntry[]>,
  ) {
    this.#objects = objects;
    this.#root = root;
    this.#treeOf = treeOf;
  }

  /**
   * Target of the link `oid` that lies in `folder`. `path` names it in an error.
   * @throws GitContentRefused for a link that is absolute, leaves the repository, leads nowhere or in a circle
   */
  async follow(oid: string, folder: readonly string[], path: string): Promise<LinkTarget> {
    const at = [...folder];
    const first = await this.#read(oid, path);
    const todo = first.split('/');
    const refuse = (problem: string): never => {
      throw new GitContentRefused(
        `it is a symbolic link to ${JSON.stringify(shown(first))}, ${problem}`,
        path,
      );
    };
    for (let hops = 0; todo.length > 0; ) {
      const name = todo.shift()!;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (at.length === 0) refuse('which leaves the repository');
        at.pop();
        continue;
      }
      const entry = (await this.#tree(at)).find((each) => each.name === name);
      if (!entry) return refuse('which is not in the repository');
      if (entry.mode === '040000') at.push(name);
      else if (entry.mode === '160000') refuse('which is a submodule');
      else if (entry.mode === '120000') {
        hops += 1;
        if (hops > MAX_HOPS) refuse('which leads in a circle');
        todo.unshift(...(await this.#read(entry.oid, path)).split('/'));
      } else if (todo.some((each) => each !== '')) refuse('which is not in the repository');
      else return { kind: 'file', oid: entry.oid };
    }
    return { kind: 'folder', oid: await this.#oidOf(at), folder: at };
  }

  async #read(oid: string, path: string): Promise<string> {
    const { type, bytes } = await this.#objects.read(oid);
    const target = Buffer.from(bytes).toString('utf8');
    if (type !== 'blob' || bytes.byteLength > MAX_TARGET_BYTES || target === '' || target.includes('\0'))
      throw new GitContentRefused('it is a symbolic link without a target', path);
    if (target.startsWith('/'))
      throw new GitContentRefused('it is a symbolic link to an absolute path', path);
    return target;
  }

  async #tree(folder: readonly string[]): Promise<TreeEntry[]> {
    return this.#treeOf(await this.#oidOf(folder));
  }

  async #oidOf(folder: readonly string[]): Promise<string> {
    let oid = this.#root;
    for (const name of folder)
      oid = (await this.#treeOf(oid)).find((entry) => entry.name === name && entry.mode === '040000')!.oid;
    return oid;
  }
}
