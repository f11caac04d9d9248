import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { sha256Of } from '../content/file-digest.ts';
import { isAllowedPath, type LocalRoots } from '../content/local-roots.ts';
import type { GitSpec } from '../entities/git-spec.ts';
import { hasCode } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import type { Secrets } from '../secrets.ts';
import { type GitAddress, gitPathProblem, gitRefProblem, isCommitId, readGitUrl } from './address.ts';
import type { RemoteRefs } from './advertisement.ts';
import { CacheRepository } from './cache-repository.ts';
import { checkGitHost } from './check-host.ts';
import { GitAddressRefused, GitFolderNotAllowed, GitRefNotFound, GitSecretMissing } from './errors.ts';
import { FolderRemote } from './folder-remote.ts';
import { connectHttp, type GitCredentials } from './http-connection.ts';
import { GIT_LIMITS, type GitLimits } from './limits.ts';
import { createPublicLookup } from './public-address.ts';
import type { FetchRequest, GitRemote, RefUpdate } from './remote.ts';
import { allTips, branchToMake, DEFAULT_BRANCH, type ResolvedRef, resolveRef } from './resolve-ref.ts';
import { connectSsh } from './ssh-connection.ts';
import { WireRemote } from './wire-remote.ts';

/** What git needs of the process that uses it. */
export interface GitContext {
  /** Origins of MODELFN_GIT_HOSTS. */
  hosts: readonly string[];
  secrets: Secrets;
  /** Absolute folders that a `file:` URL may lie in. */
  localRoots: LocalRoots;
  /** Where repositories and checkouts are kept; shared between processes. */
  cacheDirectory: string;
  /** Times of commits. */
  clock: Clock;
  limits?: Partial<GitLimits>;
  /** Resolver of host names; the system's when missing. */
  lookup?: LookupFunction;
  /** OpenSSH's client; `ssh` when missing. */
  sshProgram?: string;
}

/** Sent with a password that came without a user: hosts that take tokens look at no name. */
const TOKEN_USER = 'git';

/**
 * One repository at one branch, tag or commit: resolves it, fetches what is missing into the cache, and pushes.
 * Copies of private repositories are kept apart by the credentials that opened them.
 */
export class GitSource {
  readonly spec: GitSpec;
  readonly url: string;
  readonly limits: GitLimits;
  readonly clock: Clock;
  /** Folder of the cache that is this repository's own. */
  readonly folder: string;
  readonly repository: CacheRepository;
  readonly #remote: GitRemote;

  private constructor(spec: GitSpec, address: GitAddress, remote: GitRemote, context: GitContext) {
    const { username, password } = spec.credentials ?? {};
    const identity = canonicalJson([address.url, username?.key ?? null, password?.key ?? null]);
    this.spec = spec;
    this.url = address.url;
    this.clock = context.clock;
    this.limits = { ...GIT_LIMITS, ...context.limits };
    this.folder = join(context.cacheDirectory, sha256Of(identity).slice(0, 32));
    this.repository = new CacheRepository(join(this.folder, 'repository.git'), this.limits);
    this.#remote = remote;
  }

  /**
   * Checks a spec against what this machine allows. Nothing is asked of the repository yet.
   * @throws GitAddressRefused, GitHostNotAllowed, GitFolderNotAllowed, GitSecretMissing
   */
  static async open(spec: GitSpec, context: GitContext): Promise<GitSource> {
    const address = addressOf(spec);
    return new GitSource(spec, address, await remoteOf(spec, address, context), context);
  }

  /** True when the spec names a commit by its whole id. */
  get isPinned(): boolean {
    return isCommitId(this.spec.gitTag);
  }

  /**
   * The commit the spec names now, all its files in the cache. `undefined` when there is neither a branch, a tag nor a
   * commit of that name. A whole commit id that is in the cache is answered without asking anyone.
   */
  async fetch(signal: AbortSignal | undefined): Promise<ResolvedRef | undefined> {
    signal?.throwIfAborted();
    await this.repository.prepare();
    const { gitTag } = this.spec;
    if (!this.isPinned) return this.#fetchNamed(gitTag, signal);
    if (!(await this.repository.holds(gitTag))) await this.#fetchCommit(gitTag, signal);
    return { commit: gitTag, branch: undefined };
  }

  /** A tag or a commit is only read. The default branch may turn out to be a commit: then a write is refused. */
  get canWrite(): boolean {
    return this.newBranch !== undefined || this.spec.gitTag === DEFAULT_BRANCH;
  }

  /** The branch to write to when there is none of the spec's name. */
  get newBranch(): string | undefined {
    return this.isPinned ? undefined : branchToMake(this.spec.gitTag);
  }

  async push(update: RefUpdate, pack: Parameters<GitRemote['push']>[1], signal?: AbortSignal): Promise<void> {
    await this.#remote.push(update, pack, signal);
    await this.repository.noteHeld(update.to);
  }

  async #fetchNamed(name: string, signal: AbortSignal | undefined): Promise<ResolvedRef | undefined> {
    const haves = await this.repository.recentlyHeld();
    const found = await this.#remote.read(async (refs, fetch) => {
      const resolved = resolveRef(refs, name) ?? tipThatStarts(refs, name);
      if (resolved && !(await this.repository.holds(resolved.commit)))
        await this.#take(fetch, { wants: [resolved.commit], haves, depth: 1 }, signal);
      return resolved;
    }, signal);
    const resolved = found ?? (await this.#searchHistory(name, signal));
    if (resolved) await this.#noteWhole(resolved.commit);
    return resolved;
  }

  async #fetchCommit(commit: string, signal: AbortSignal | undefined): Promise<void> {
    const haves = await this.repository.recentlyHeld();
    try {
      await this.#remote.read(
        (_refs, fetch) => this.#take(fetch, { wants: [commit], haves, depth: 1 }, signal),
        signal,
      );
    } catch (error) {
      if (!hasCode(error, 'GitWantRefused')) throw error;
      await this.#fetchHistory(signal);
      if ((await this.repository.objects.find(commit)) === undefined)
        throw new GitRefNotFound(this.url, `commit ${commit}`);
    }
    await this.#noteWhole(commit);
  }

  /** A commit by the start of its id: servers do not know those, so that all history has to be looked at. */
  async #searchHistory(name: string, signal: AbortSignal | undefined): Promise<ResolvedRef | undefined> {
    if (!/^[0-9a-f]{7,39}$/.test(name)) return undefined;
    await this.#fetchHistory(signal);
    const commit = await this.repository.objects.expand(name);
    const found = commit === undefined ? undefined : await this.repository.objects.find(commit);
    return commit !== undefined && found?.type === 'commit' ? { commit, branch: undefined } : undefined;
  }

  /** All there is, within the limits of one fetch. */
  async #fetchHistory(signal: AbortSignal | undefined): Promise<void> {
    await this.#remote.read(async (refs, fetch) => {
      const wants = allTips(refs);
      if (wants.length > 0) await this.#take(fetch, { wants, haves: [] }, signal);
    }, signal);
  }

  #take(
    fetch: (request: FetchRequest) => AsyncIterable<Uint8Array>,
    request: FetchRequest,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return this.repository.objects.addPack(fetch(request), signal);
  }

  async #noteWhole(commit: string): Promise<void> {
    await this.repository.folderTree(commit, undefined);
    await this.repository.noteHeld(commit);
  }
}

function addressOf({ gitUrl, gitTag, gitPath, credentials }: GitSpec): GitAddress {
  const address = readGitUrl(gitUrl);
  if ('problem' in address) throw new GitAddressRefused('gitUrl', address.problem);
  const refProblem = gitRefProblem(gitTag);
  if (refProblem !== undefined) throw new GitAddressRefused('gitTag', refProblem);
  const pathProblem = gitPath === undefined ? undefined : gitPathProblem(gitPath);
  if (pathProblem !== undefined) throw new GitAddressRefused('gitPath', pathProblem);
  if (namesSecrets({ credentials }) && (address.transport === 'ssh' || address.transport === 'file'))
    throw new GitAddressRefused(
      'credentials',
      `are for https; ${address.transport} is opened by this machine's own keys and rights`,
    );
  return address;
}

async function remoteOf(spec: GitSpec, address: GitAddress, context: GitContext): Promise<GitRemote> {
  const { url, transport, path } = address;
  const limits = { ...GIT_LIMITS, ...context.limits };
  if (transport === 'file') {
    if (!(await isAllowedPath(path, context.localRoots))) throw new GitFolderNotAllowed(path);
    return new FolderRemote(url, path, limits);
  }
  const { idleMs } = limits;
  const { mustBePublic } = checkGitHost(address, context.hosts, { hasCredentials: namesSecrets(spec) });
  if (transport === 'ssh')
    return new WireRemote(url, connectSsh({ address, program: context.sshProgram ?? 'ssh', idleMs }));
  const lookup = mustBePublic ? createPublicLookup(context.lookup) : context.lookup;
  const credentials = credentialsOf(spec, context.secrets);
  return new WireRemote(url, connectHttp({ url, credentials, idleMs, lookup }));
}

function credentialsOf({ credentials }: GitSpec, secrets: Secrets): GitCredentials | undefined {
  if (!namesSecrets({ credentials })) return undefined;
  const secretOf = (name: string): string => {
    const value = secrets.get(name);
    if (value === undefined) throw new GitSecretMissing(name, secrets.names);
    return value;
  };
  const { username, password } = credentials ?? {};
  return {
    username: username ? secretOf(username.key) : TOKEN_USER,
    password: password ? secretOf(password.key) : '',
  };
}

function namesSecrets({ credentials }: { credentials?: GitSpec['credentials'] }): boolean {
  return credentials?.username !== undefined || credentials?.password !== undefined;
}

/** A short commit id that is one of the tips needs no search. */
function tipThatStarts(refs: RemoteRefs, prefix: string): ResolvedRef | undefined {
  if (!/^[0-9a-f]{7,39}$/.test(prefix)) return undefined;
  const found = allTips(refs).filter((tip) => tip.startsWith(prefix));
  return found.length === 1 ? { commit: found[0]!, branch: undefined } : undefined;
}
