import { isAbsolute, resolve } from 'node:path';
import type { GcsSettings } from '../config.ts';
import { isAllowedPath, type LocalRoots } from '../content/local-roots.ts';
import type { CodebaseSpec, CodebaseType } from '../entities/codebase-spec.ts';
import type { GitContext } from '../git/git-source.ts';
import type { Codebase } from './codebase.ts';
import { CodebaseDriverMissing, CodebaseNotAllowed, CodebaseNotFound } from './errors.ts';
import type { ArchiveItem } from './item.ts';

/** What codebases need of the process that opens them. */
export interface CodebaseContext {
  /** Folders that a `localPath` may name. */
  localRoots: LocalRoots;
  /** Folder of code, by digest; shared between processes. */
  cacheDirectory: string;
  /** The zip item the caller may see. @throws CodebaseNotFound */
  readItem(itemId: string): Promise<ArchiveItem>;
  git: GitContext;
  /** How Cloud Storage is reached, and which of its buckets specs may name. */
  gcs: Readonly<GcsSettings>;
}

type Spec<T extends CodebaseType> = Extract<CodebaseSpec, { type: T }>;
type Loaders = { [T in CodebaseType]: (spec: Spec<T>, context: CodebaseContext) => Promise<Codebase> };

/** One line a driver; its code is loaded when a codebase of the type is first opened. */
const LOADERS: Loaders = {
  local: async (spec, context) => {
    const directory = await localDirectory(spec, context);
    return new (await import('./local.ts')).LocalCodebase(spec, directory, context.cacheDirectory);
  },
  item: async (spec, context) => {
    const readItem = () => context.readItem(spec.itemId);
    return new (await import('./item.ts')).ItemCodebase(spec, context.cacheDirectory, readItem);
  },
  git: async (spec, context) => (await import('./git.ts')).GitCodebase.open(spec, context.git),
  gcs: async (spec, context) =>
    (await import('./gcs.ts')).openGcsCodebase(spec, context.cacheDirectory, context.gcs),
};

/** The types of codebase that can be opened. */
export const CODEBASE_TYPES = Object.keys(LOADERS) as readonly CodebaseType[];

/**
 * Opens a codebase by its spec. Nothing is fetched yet.
 * @throws CodebaseDriverMissing, CodebaseNotAllowed, CodebaseNotFound (a local one without a folder),
 * GcsPlaceNotAllowed, GitAddressRefused, GitHostNotAllowed, GitFolderNotAllowed, GitSecretMissing
 */
export async function openCodebase<T extends CodebaseType>(
  spec: Spec<T>,
  context: CodebaseContext,
): Promise<Codebase> {
  if (!Object.hasOwn(LOADERS, spec.type)) throw new CodebaseDriverMissing(String(spec.type), CODEBASE_TYPES);
  return LOADERS[spec.type as T](spec, context);
}

async function localDirectory({ localPath }: Spec<'local'>, context: CodebaseContext): Promise<string> {
  if (localPath === undefined || localPath === null || localPath === '')
    throw new CodebaseNotFound(
      'the codebase is of type "local" and names no folder',
      'Give it a localPath, push the code to the project, or use a built-in adapter as the entry point.',
    );
  if (
    !isAbsolute(localPath) ||
    localPath.includes('\0') ||
    !(await isAllowedPath(localPath, context.localRoots))
  )
    throw new CodebaseNotAllowed(localPath);
  return resolve(localPath);
}
