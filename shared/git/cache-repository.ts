import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isCommitId } from './address.ts';
import { GitContentRefused } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { ObjectDatabase } from './object-database.ts';
import { WHOLE_FILES } from './whole-files.ts';

/** Commits offered to a server as known, at most. */
const MAX_HAVES = 8;

/**
 * What was fetched of one repository, as a bare repository that git itself can open: commits without their history.
 * A commit is noted as held once all its files are there.
 */
export class CacheRepository {
  readonly objects: ObjectDatabase;
  readonly gitdir: string;

  constructor(gitdir: string, limits: GitLimits) {
    this.gitdir = gitdir;
    this.objects = new ObjectDatabase(gitdir, limits);
  }

  /** Makes what is missing of the repository's own files. */
  async prepare(): Promise<void> {
    for (const folder of ['objects/pack', 'refs/modelfn/kept', 'modelfn-held', 'modelfn-listings'])
      await mkdir(join(this.gitdir, folder), { recursive: true });
    const files = {
      HEAD: 'ref: refs/heads/none\n',
      config: '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
    };
    for (const [name, text] of Object.entries(files))
      if (!(await exists(join(this.gitdir, name)))) await writeWhole(join(this.gitdir, name), text);
  }

  holds(commit: string): Promise<boolean> {
    return exists(join(this.gitdir, 'modelfn-held', commit));
  }

  async noteHeld(commit: string): Promise<void> {
    const path = join(this.gitdir, 'modelfn-held', commit);
    await writeFile(path, '');
    await utimes(path, new Date(), new Date());
  }

  /** The commits noted last. */
  async recentlyHeld(): Promise<string[]> {
    const folder = join(this.gitdir, 'modelfn-held');
    const names = (await readdir(folder).catch(() => [])).filter(isCommitId);
    const noted = await Promise.all(
      names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
    );
    noted.sort((a, b) => b.time - a.time);
    return noted.slice(0, MAX_HAVES).map(({ name }) => name);
  }

  /** The tree of a folder of a commit; `undefined` when the commit has none there. */
  async folderTree(commit: string, path: string | undefined): Promise<string | undefined> {
    const found = await this.objects.commit(commit);
    if (found === undefined) throw new GitContentRefused(`the commit ${commit} is missing`);
    let tree = found.tree;
    for (const part of path === undefined ? [] : path.split('/')) {
      const entry = (await this.objects.tree(tree)).find(({ name }) => name === part);
      if (entry?.mode !== '040000') return undefined;
      tree = entry.oid;
    }
    return tree;
  }

  /**
   * Keeps a commit that found no place in the repository it was made for, under a name of its own; answers that name.
   * Its parents' history is not here, which git has to be told.
   */
  async keep(commit: string): Promise<string> {
    const name = `refs/modelfn/kept/${commit}`;
    const parents = (await this.objects.commit(commit))?.parents ?? [];
    const shallow = join(this.gitdir, 'shallow');
    const known = (await readFile(shallow, 'utf8').catch(() => '')).split('\n').filter(isCommitId);
    await writeWhole(shallow, `${[...new Set([...known, ...parents])].join('\n')}\n`);
    await writeWhole(join(this.gitdir, name), `${commit}\n`);
    return name;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await WHOLE_FILES.promises.writeFile(path, text);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
