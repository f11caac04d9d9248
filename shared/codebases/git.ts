import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Of } from '../content/file-digest.ts';
import { PRIVATE_FILE } from '../content/private-file.ts';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { GitRefNotFound, GitTooLarge } from '../git/errors.ts';
import { type GitContext, GitSource } from '../git/git-source.ts';
import { describeRef } from '../git/resolve-ref.ts';
import { treeFiles } from '../git/tree-files.ts';
import { ARCHIVE_LIMITS } from './archive.ts';
import { checkoutFolder, hasCheckout } from './checkout-folder.ts';
import type { Checkout, Codebase } from './codebase.ts';

type GitCodebaseSpec = Extract<CodebaseSpec, { type: 'git' }>;

/**
 * The files of one commit of a git repository, or of a folder of it, laid out once a machine. They are written here
 * from the commit's tree, not checked out by git: no filter and no hook is run, and every path passes the checks of an
 * archive. A symbolic link is laid out as the file or folder that it leads to in the commit. The digest is the commit's id. A spec that names the whole id asks nobody once the files are there.
 */
export class GitCodebase implements Codebase {
  readonly spec: GitCodebaseSpec;
  readonly #source: GitSource;

  private constructor(spec: GitCodebaseSpec, source: GitSource) {
    this.spec = spec;
    this.#source = source;
  }

  /** @throws the codes of `GitSource.open` */
  static async open(spec: GitCodebaseSpec, context: GitContext): Promise<GitCodebase> {
    return new GitCodebase(spec, await GitSource.open(spec, context));
  }

  async checkout(signal?: AbortSignal): Promise<Checkout> {
    signal?.throwIfAborted();
    const { isPinned, url } = this.#source;
    const { gitTag } = this.spec;
    if (isPinned && (await hasCheckout(this.#folder, this.#nameOf(gitTag))))
      return { directory: join(this.#folder, this.#nameOf(gitTag)), digest: gitTag };
    const found = await this.#source.fetch(signal);
    if (found === undefined) throw new GitRefNotFound(url, describeRef(gitTag));
    const directory = await checkoutFolder(this.#folder, this.#nameOf(found.commit), (folder) =>
      this.#layOut(found.commit, folder, signal),
    );
    return { directory, digest: found.commit };
  }

  get #folder(): string {
    return join(this.#source.folder, 'checkouts');
  }

  /** A folder of the repository is laid out by itself: what lies beside it need not be fit for that. */
  #nameOf(commit: string): string {
    const { gitPath } = this.spec;
    return gitPath === undefined ? commit : `${commit}.${sha256Of(gitPath).slice(0, 16)}`;
  }

  async #layOut(commit: string, folder: string, signal: AbortSignal | undefined): Promise<void> {
    const { repository, limits, url } = this.#source;
    const { gitPath } = this.spec;
    const [root, tree] = await Promise.all([
      repository.folderTree(commit, undefined),
      repository.folderTree(commit, gitPath),
    ]);
    if (tree === undefined || root === undefined)
      throw new GitRefNotFound(url, `folder ${JSON.stringify(gitPath)} in commit ${commit}`);
    const files = await treeFiles(repository.objects, tree, {
      root,
      folder: gitPath,
      maxFiles: Math.min(limits.files, ARCHIVE_LIMITS.files),
      asFolder: true,
      signal,
    });
    let totalBytes = 0;
    for (const { path, oid } of files) {
      signal?.throwIfAborted();
      const bytes = await repository.objects.blob(oid, path);
      totalBytes += bytes.byteLength;
      if (totalBytes > ARCHIVE_LIMITS.unpackedBytes)
        throw new GitTooLarge('A codebase', `${ARCHIVE_LIMITS.unpackedBytes} bytes`);
      await writeNew(join(folder, path), bytes);
    }
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'wx', PRIVATE_FILE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
