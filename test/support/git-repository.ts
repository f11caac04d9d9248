import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

/** Nothing of the machine's own settings, and the same commit ids each time. */
const ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
};

/** One line of a tree as `git mktree` takes it. */
export interface RawEntry {
  mode: string;
  type: 'blob' | 'tree' | 'commit';
  oid: string;
  name: string;
}

/** A bare repository, made and looked at with the git program. */
export class TestRepository {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A new one below `root`, without any commit. It takes pushes over http. */
  static async make(root = temporaryFolder(), name = 'repository.git'): Promise<TestRepository> {
    const repository = new TestRepository(join(root, name));
    await git(['init', '--quiet', '--bare', '--initial-branch=main', repository.folder], '');
    await repository.git('config', 'http.receivepack', 'true');
    return repository;
  }

  git(...words: string[]): Promise<string> {
    return git(['--git-dir', this.folder, ...words], '');
  }

  blob(content: string | Buffer): Promise<string> {
    return git(['--git-dir', this.folder, 'hash-object', '-w', '--stdin'], content);
  }

  /** An object of any content, sound or not. */
  rawObject(type: string, content: Buffer): Promise<string> {
    const words = ['hash-object', '-w', '--literally', '-t', type, '--stdin'];
    return git(['--git-dir', this.folder, ...words], content);
  }

  /** Any tree, however hostile. */
  tree(entries: readonly RawEntry[]): Promise<string> {
    const lines = entries.map(({ mode, type, oid, name }) => `${mode} ${type} ${oid}\t${name}\0`);
    return git(['--git-dir', this.folder, 'mktree', '-z', '--missing'], lines.join(''));
  }

  async treeOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
    const entries: RawEntry[] = [];
    const folders = new Map<string, Record<string, string | Buffer>>();
    for (const [path, content] of Object.entries(files)) {
      const [name = '', ...below] = path.split('/');
      if (below.length === 0)
        entries.push({ mode: '100644', type: 'blob', oid: await this.blob(content), name });
      else folders.set(name, { ...folders.get(name), [below.join('/')]: content });
    }
    for (const [name, content] of folders)
      entries.push({ mode: '040000', type: 'tree', oid: await this.treeOf(content), name });
    return this.tree(entries);
  }

  /** A commit of a tree on a branch; on top of the branch's tip unless `onto` says otherwise. */
  async commitTree(tree: string, branch = 'main', onto?: string | null): Promise<string> {
    const parent = onto === undefined ? await this.tip(branch) : (onto ?? undefined);
    const words = ['commit-tree', tree, '-m', 'a change', ...(parent ? ['-p', parent] : [])];
    const commit = await this.git(...words);
    await this.git('update-ref', `refs/heads/${branch}`, commit);
    return commit;
  }

  async commit(
    files: Readonly<Record<string, string | Buffer>>,
    branch = 'main',
    onto?: string | null,
  ): Promise<string> {
    return this.commitTree(await this.treeOf(files), branch, onto);
  }

  async tip(branch = 'main'): Promise<string | undefined> {
    const found = await this.git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
    return found === '' ? undefined : found;
  }

  /** The files of a branch. */
  async files(branch = 'main'): Promise<Record<string, string>> {
    const names = await this.git('ls-tree', '-r', '-z', '--name-only', branch);
    const files: Record<string, string> = {};
    for (const name of names.split('\0').filter((each) => each !== ''))
      files[name] = await git(['--git-dir', this.folder, 'cat-file', 'blob', `${branch}:${name}`], '', false);
    return files;
  }

  /** How many commits a branch has. */
  async length(branch = 'main'): Promise<number> {
    return Number(await this.git('rev-list', '--count', branch));
  }
}

function git(words: readonly string[], input: string | Buffer, trim = true): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      words,
      { env: ENVIRONMENT, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`git ${words.join(' ')}: ${stderr}`));
        else resolve(trim ? stdout.trim() : stdout);
      },
    );
    // A command that takes no input is gone before it is told that there is none.
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}
