import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileChunks } from '../content/file-digest.ts';
import { writeTemporary } from '../content/temporary-file.ts';
import { hasCode } from '../errors.ts';
import { editTree } from '../git/edit-tree.ts';
import { GitContentRefused } from '../git/errors.ts';
import type { GitSource } from '../git/git-source.ts';
import { packObjects } from '../git/pack-objects.ts';
import type { PackFile } from '../git/remote.ts';
import type { ObjectInfo } from './bucket.ts';
import { BucketConflict, BucketReadOnly, InvalidKey, PreconditionFailed } from './errors.ts';
import { type BucketView, noteObjects, openView } from './git-view.ts';

/** One object's next bytes, which are in the cache already; `object` is `undefined` to delete it. */
export interface ObjectChange {
  object: ObjectInfo | undefined;
  ifAbsent: boolean;
}

export type ObjectChanges = ReadonlyMap<string, ObjectChange>;

export interface CommitOptions {
  /** Takes an object with the very bytes for one that may be written if absent. */
  equalIsAbsent: boolean;
  signal?: AbortSignal | undefined;
}

/** A branch under heavy traffic: so often it is fetched again and the commit made anew. */
const MAX_ATTEMPTS = 12;
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Writers of one process take turns at a repository: they would only make each other try again. */
const TURNS = new Map<string, Promise<unknown>>();

/**
 * Makes one commit of all changes on top of the branch's tip and pushes it, on the condition that the branch is still
 * there. When it moved, and nobody touched the same keys, it is done again on the new tip. Answers what the bucket then
 * holds; without any difference there is no commit.
 * @throws BucketConflict, PreconditionFailed, BucketReadOnly, InvalidKey; the codes of `GitSource`
 */
export function commitChanges(
  source: GitSource,
  changes: ObjectChanges,
  options: CommitOptions,
): Promise<BucketView> {
  return inTurn(source.folder, () => commitInTurn(source, changes, options));
}

async function commitInTurn(
  source: GitSource,
  changes: ObjectChanges,
  { equalIsAbsent, signal }: CommitOptions,
): Promise<BucketView> {
  const base = await openView(source, signal);
  const [anyKey = ''] = changes.keys();
  if (base.branch === undefined) throw new BucketReadOnly('git', anyKey);
  let commit: string | undefined;
  for (let now = base, attempt = 1; ; attempt += 1, now = await openView(source, signal)) {
    signal?.throwIfAborted();
    if (now.linkedKey !== undefined)
      throw new GitContentRefused(
        'a folder with symbolic links is read and not written to; it has one',
        now.linkedKey,
      );
    for (const [key, change] of changes) checkAbsent(key, change, now, equalIsAbsent);
    const taken = takenKeys(changes, base, now);
    if (commit !== undefined && taken.length > 0)
      throw await conflict(source, commit, taken, 'Somebody else changed the same objects');
    if (commit !== undefined && attempt > MAX_ATTEMPTS)
      throw await conflict(source, commit, [...changes.keys()], `The branch moved ${MAX_ATTEMPTS} times`);
    const needed = differences(changes, now);
    if (needed.size === 0) return now;
    const made = await makeCommit(source, now, needed);
    commit = made.commit;
    try {
      await withPack(source, made.oids, signal, (pack) =>
        source.push({ branch: base.branch!, from: now.commit, to: made.commit }, pack, signal),
      );
      return { commit, branch: base.branch, objects: made.objects };
    } catch (error) {
      if (!hasCode(error, 'GitRefMoved')) throw error;
    }
  }
}

function checkAbsent(
  key: string,
  { object, ifAbsent }: ObjectChange,
  now: BucketView,
  equalIsAbsent: boolean,
): void {
  const there = ifAbsent ? now.objects.get(key) : undefined;
  if (there && !(equalIsAbsent && there.etag === object?.etag)) throw new PreconditionFailed('git', key);
}

/** Keys that somebody else gave other bytes than they had, and than they are to have. */
function takenKeys(changes: ObjectChanges, base: BucketView, now: BucketView): string[] {
  return [...changes].flatMap(([key, { object, ifAbsent }]) => {
    const found = now.objects.get(key)?.etag;
    const isFree = ifAbsent && found === undefined;
    return isFree || found === base.objects.get(key)?.etag || found === object?.etag ? [] : [key];
  });
}

function differences(changes: ObjectChanges, now: BucketView): Map<string, ObjectInfo | undefined> {
  const needed = new Map<string, ObjectInfo | undefined>();
  for (const [key, { object }] of changes)
    if (now.objects.get(key)?.etag !== object?.etag) needed.set(key, object);
  return needed;
}

interface MadeCommit {
  commit: string;
  /** Every object that the repository may lack. */
  oids: string[];
  objects: ReadonlyMap<string, ObjectInfo>;
}

async function makeCommit(
  source: GitSource,
  now: BucketView,
  needed: ReadonlyMap<string, ObjectInfo | undefined>,
): Promise<MadeCommit> {
  const { repository, clock, spec } = source;
  const objects = applied(now.objects, needed);
  const prefix = spec.gitPath === undefined ? '' : `${spec.gitPath}/`;
  const root = now.commit === undefined ? undefined : await repository.folderTree(now.commit, undefined);
  const changes = new Map([...needed].map(([key, object]) => [`${prefix}${key}`, object?.etag]));
  const edited = await editTree(repository.objects, root, changes);
  const tree = edited?.tree ?? (await repository.objects.add({ type: 'tree', bytes: new Uint8Array() }));
  const by = {
    name: 'modelfn',
    email: 'modelfn@localhost',
    timestamp: Math.floor(clock.now() / 1000),
    timezoneOffset: 0,
  };
  const commit = await repository.objects.addCommit({
    tree,
    parent: now.commit === undefined ? [] : [now.commit],
    author: by,
    committer: by,
    message: messageFor(needed),
  });
  const folder = await repository.folderTree(commit, spec.gitPath);
  if (folder !== undefined) await noteObjects(source, folder, [...objects.values()]);
  const blobs = [...needed.values()].flatMap((object) => (object ? [object.etag] : []));
  const trees = edited?.made ?? [EMPTY_TREE];
  return { commit, oids: [...new Set([...blobs, ...trees, commit])], objects };
}

/** @throws InvalidKey when a file would have to be a folder too: a tree cannot hold both. */
function applied(
  objects: ReadonlyMap<string, ObjectInfo>,
  needed: ReadonlyMap<string, ObjectInfo | undefined>,
): Map<string, ObjectInfo> {
  const next = new Map(objects);
  for (const [key, object] of needed) {
    if (object) next.set(key, object);
    else next.delete(key);
  }
  const folders = new Set<string>();
  for (const key of next.keys())
    for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) folders.add(key.slice(0, at));
  for (const key of next.keys())
    if (folders.has(key))
      throw new InvalidKey(key, 'a folder of that name, or a file named like one of its folders, is there');
  return new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function messageFor(needed: ReadonlyMap<string, ObjectInfo | undefined>): string {
  const lines = [...needed].map(([key, object]) => `${object ? 'write' : 'delete'} ${key}`);
  if (lines.length === 1) return `modelfn: ${lines[0]}\n`;
  const more = lines.length > 100 ? [`and ${lines.length - 100} more`] : [];
  return `modelfn: change ${lines.length} objects\n\n${[...lines.slice(0, 100), ...more].join('\n')}\n`;
}

/** The pack lies on the disk while it is sent: its size is known, and memory holds one object of it at most. */
async function withPack<T>(
  { repository }: GitSource,
  oids: readonly string[],
  signal: AbortSignal | undefined,
  work: (pack: PackFile) => Promise<T>,
): Promise<T> {
  const folder = join(repository.gitdir, 'modelfn-tmp', randomBytes(12).toString('hex'));
  try {
    const source = packObjects(oids, (oid) => repository.objects.read(oid), signal);
    const { path, sizeBytes } = await writeTemporary(folder, source, { signal, durable: false });
    return await work({ sizeBytes, chunks: () => readFileChunks(path, signal) });
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

async function conflict(
  source: GitSource,
  commit: string,
  keys: readonly string[],
  what: string,
): Promise<BucketConflict> {
  const { repository, spec } = source;
  const name = await repository.keep(commit);
  const path = `${spec.gitPath === undefined ? '' : `${spec.gitPath}/`}${keys[0]}`;
  return new BucketConflict('git', keys, what, {
    commit,
    keptAt:
      `Your version is kept as ${name} of the repository ${repository.gitdir}: ` +
      `git --git-dir ${JSON.stringify(repository.gitdir)} show ${JSON.stringify(`${name}:${path}`)}.`,
  });
}

function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const before = TURNS.get(name) ?? Promise.resolve();
  const mine = before.then(work, work);
  const settled = mine.then(
    () => {},
    () => {},
  );
  TURNS.set(name, settled);
  void settled.then(() => {
    if (TURNS.get(name) === settled) TURNS.delete(name);
  });
  return mine;
}
