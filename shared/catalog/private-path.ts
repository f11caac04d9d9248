import { BucketNotAllowed } from '../buckets/errors.ts';
import { CodebaseNotAllowed } from '../codebases/errors.ts';
import type { Config } from '../config.ts';
import { touchesPrivateFiles } from '../content/local-roots.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { readGitUrl } from '../git/address.ts';
import { GitFolderNotAllowed } from '../git/errors.ts';
import { localRootsOf } from '../state-folder.ts';

type Paths = Pick<Config, 'home' | 'localRoots' | 'store'>;

/**
 * Refuses a bucket in modelfn's own files when its spec is written, not only when it is opened. A path that is merely
 * outside the allowed folders is stored: a client may describe a folder of its own machine.
 * @throws BucketNotAllowed, GitFolderNotAllowed
 */
export async function assertNoPrivateBucket(config: Paths, spec: BucketSpec): Promise<void> {
  if (await namesPrivateFiles(config, spec)) throw refusal(spec, BucketNotAllowed);
}

/** As `assertNoPrivateBucket`, for a codebase. @throws CodebaseNotAllowed, GitFolderNotAllowed */
export async function assertNoPrivateCodebase(config: Paths, spec: CodebaseSpec): Promise<void> {
  if (await namesPrivateFiles(config, spec)) throw refusal(spec, CodebaseNotAllowed);
}

async function namesPrivateFiles(config: Paths, spec: BucketSpec | CodebaseSpec): Promise<boolean> {
  const path = pathOf(spec);
  return path !== undefined && (await touchesPrivateFiles(path, localRootsOf(config)));
}

function refusal(spec: BucketSpec | CodebaseSpec, NotAllowed: new (path: string) => Error): Error {
  const path = pathOf(spec) ?? '';
  return spec.type === 'git' ? new GitFolderNotAllowed(path) : new NotAllowed(path);
}

/** Returns the folder of this machine that a spec names, if it names one. */
function pathOf(spec: BucketSpec | CodebaseSpec): string | undefined {
  if (spec.type === 'local') return isUsable(spec.localPath) ? spec.localPath : undefined;
  if (spec.type !== 'git') return undefined;
  const address = readGitUrl(spec.gitUrl);
  return 'problem' in address || address.transport !== 'file' ? undefined : address.path;
}

/** A relative path, or one with NUL, is refused when it is opened: it names no folder of this machine. */
function isUsable(path: string | null | undefined): path is string {
  return typeof path === 'string' && path.startsWith('/') && !path.includes('\0');
}
