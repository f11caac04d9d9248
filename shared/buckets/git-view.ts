import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitRefNotFound } from '../git/errors.ts';
import type { GitSource } from '../git/git-source.ts';
import { describeRef } from '../git/resolve-ref.ts';
import { treeFiles } from '../git/tree-files.ts';
import { WHOLE_FILES } from '../git/whole-files.ts';
import type { ObjectInfo } from './bucket.ts';

/** What a bucket held at one commit: one reader sees nothing else, however the branch moves. */
export interface BucketView {
  /** `undefined` while the branch does not exist. */
  commit: string | undefined;
  /** Full name of the branch that writes go to; `undefined` at a tag or a commit. */
  branch: string | undefined;
  /** Key of an object that a symbolic link leads to; missing without one. Such a bucket is not written to. */
  linkedKey?: string | undefined;
  /** In order of key. The etag is the id of the bytes. */
  objects: ReadonlyMap<string, ObjectInfo>;
}

/**
 * Looks at the branch, tag or commit as it is now. A branch that does not exist, or has no such folder, is an empty
 * bucket until the first write.
 * @throws GitRefNotFound for a commit that does not exist; GitContentRefused, and the codes of `GitSource.fetch`
 */
export async function openView(source: GitSource, signal: AbortSignal | undefined): Promise<BucketView> {
  const { gitTag, gitPath } = source.spec;
  const found = await source.fetch(signal);
  if (found === undefined) {
    if (/^[0-9a-f]{7,40}$/.test(gitTag) || source.newBranch === undefined)
      throw new GitRefNotFound(source.url, describeRef(gitTag));
    return { commit: undefined, branch: source.newBranch, objects: new Map() };
  }
  const root = await source.repository.folderTree(found.commit, undefined);
  const tree = await source.repository.folderTree(found.commit, gitPath);
  const listing =
    tree === undefined || root === undefined
      ? { objects: [] }
      : await listObjects(source, { root, tree }, signal);
  const { objects, linkedKey } = listing;
  return { ...found, linkedKey, objects: new Map(objects.map((object) => [object.key, object])) };
}

/** Notes the objects of a tree, so that the next look at it need not read them for their sizes. */
export async function noteObjects(
  source: GitSource,
  tree: string,
  objects: readonly ObjectInfo[],
): Promise<void> {
  const rows = objects.map(({ key, etag, sizeBytes }) => [key, etag, sizeBytes]);
  await WHOLE_FILES.promises.writeFile(listingPath(source, tree), JSON.stringify(rows));
}

interface Listing {
  objects: ObjectInfo[];
  linkedKey?: string | undefined;
}

/**
 * Git's trees hold no sizes: each file is read for it once, and what was found is kept by the tree's id. With links it is not kept:
 * they may lead out of the tree.
 */
async function listObjects(
  source: GitSource,
  { root, tree }: { root: string; tree: string },
  signal: AbortSignal | undefined,
): Promise<Listing> {
  const noted = await readListing(source, tree);
  if (noted) return { objects: noted };
  const { objects } = source.repository;
  const { maxFiles, folder } = { maxFiles: source.limits.files, folder: source.spec.gitPath };
  const files = await treeFiles(objects, tree, { root, folder, maxFiles, asFolder: false, signal });
  const sizes = new Map<string, number>();
  for (const { oid, path } of files) {
    signal?.throwIfAborted();
    if (!sizes.has(oid)) sizes.set(oid, (await objects.blob(oid, path)).byteLength);
  }
  const found = files.map(({ path, oid }) => ({ key: path, etag: oid, sizeBytes: sizes.get(oid)! }));
  const linkedKey = files.find(({ isLinked }) => isLinked)?.path;
  if (linkedKey === undefined) await noteObjects(source, tree, found);
  return { objects: found, linkedKey };
}

async function readListing(source: GitSource, tree: string): Promise<ObjectInfo[] | undefined> {
  const text = await readFile(listingPath(source, tree), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const rows = JSON.parse(text) as [string, string, number][];
  return rows.map(([key, etag, sizeBytes]) => ({ key, etag, sizeBytes }));
}

function listingPath({ repository }: GitSource, tree: string): string {
  return join(repository.gitdir, 'modelfn-listings', `${tree}.json`);
}
