import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Actor, LOCAL_ACTOR } from './auth/actor.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { briefly, storageAdvice } from './content/errors.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER, takeRightsOfOthers } from './content/private-file.ts';
import { compact, ModelfnError, systemCode } from './errors.ts';
import { systemIds } from './ids.ts';
import { jsonLog, type Log } from './log.ts';
import { openContents } from './open-contents.ts';
import { systemBackoff } from './patience/backoff.ts';
import type { Platform } from './platform.ts';
import { maskedLog, redactorOf } from './redact.ts';
import { localRootsOf, ownBucketFolder, stateFolder } from './state-folder.ts';
import { openStore } from './store/registry.ts';

/** The state folder cannot be made or written. Nothing was changed in it. */
export class StateFolderUnusable extends ModelfnError {
  override readonly name = 'StateFolderUnusable';
  readonly code = 'StateFolderUnusable';
  readonly statusCode = 503;
  constructor(home: string, cause: unknown) {
    super(
      `The state folder ${home} cannot be used: ${briefly(cause)}. ${storageAdvice(cause)} MODELFN_HOME names another one.`,
      { details: compact({ home, systemCode: systemCode(cause) }), cause },
    );
  }
}

/**
 * Opens all a process works with, on one state folder: `<home>/{store.sqlite, contents/, buckets/snapshots/<snapshot id>/, cache/}`.
 * Missing folders are made. Drivers of buckets and codebases are loaded when the first one is opened. What `overrides` gives
 * is taken as it is; the store given there is closed with the platform. `queryLimitMs` bounds each query, for a process that
 * answers many callers.
 * @throws StateFolderUnusable, StoreUnavailable
 */
export async function openPlatform(
  config: Readonly<Config>,
  overrides: Partial<Platform> = {},
  { queryLimitMs }: { queryLimitMs?: number } = {},
): Promise<Platform> {
  const folder = stateFolder(config.home);
  const isPrivate = prepareFolders([folder.home, folder.contents, folder.buckets, folder.cache]);
  const clock = overrides.clock ?? systemClock;
  const log = maskedLog(overrides.log ?? jsonLog(config.logLevel), redactorOf(config));
  if (!isPrivate)
    log.warn('other users of this machine can read the state folder', {
      home: config.home,
      advice: 'Make its owner run modelfn, and remove the rights of others: chmod -R go= <folder>.',
    });
  const opened =
    overrides.store ??
    (await openStore({
      address: config.store ?? `sqlite:${folder.store}`,
      clock,
      queryLimitMs,
      onUnreadable: ({ kind, count, ids }) =>
        log.error('stored documents cannot be read and are left out', { kind, count, ids }),
    }));
  const relay = await openRelayKick(config, log);
  const store = relay ? relay.watch(opened) : opened;
  const localRoots = localRootsOf(config);
  const git = {
    hosts: config.gitHosts,
    secrets: config.secrets,
    localRoots,
    cacheDirectory: join(folder.cache, 'git'),
    clock,
  };
  const platform: Platform = {
    config,
    clock,
    ids: systemIds(() => clock.now()),
    store,
    backoff: systemBackoff(config.storagePatienceMs),
    ...(relay && { relay }),
    content: overrides.content ?? (await openContents(config, folder.contents, git)),
    cacheDirectory: folder.cache,
    openBucket: async (snapshot, spec) => {
      const { openBucket } = await import('./buckets/registry.ts');
      return openBucket(spec, {
        localRoots,
        git,
        gcs: config.gcs,
        defaultRoot: ownBucketFolder(config.home, snapshot.id),
        openItemFolder: async (itemId) => {
          const { openItemFolder } = await import('./catalog/item-folder.ts');
          return openItemFolder(platform, insiderOf(snapshot.projectId), itemId);
        },
      });
    },
    openCodebase: async (spec, projectId) => {
      const { openCodebase } = await import('./codebases/registry.ts');
      return openCodebase(spec, {
        localRoots,
        git,
        gcs: config.gcs,
        cacheDirectory: join(folder.cache, 'codebases'),
        readItem: async (itemId) => {
          const { readArchiveItem } = await import('./catalog/archive-item.ts');
          return readArchiveItem(platform, insiderOf(projectId), itemId);
        },
      });
    },
    close: () => store.close(),
    ...overrides,
    log,
  };
  return platform;
}

async function openRelayKick({ relay: functionName }: Readonly<Config>, log: Log) {
  if (functionName === undefined) return undefined;
  const { RelayKick } = await import('./relay/relay-kick.ts');
  return new RelayKick({ functionName, log });
}

/** Whoever asks: a snapshot's bucket and a model's code are of their own project. */
function insiderOf(projectId: string): Actor {
  return { email: LOCAL_ACTOR.email, projectIds: [projectId] };
}

/**
 * Makes the folders, for their owner alone, and writes one small file: a full or read-only disk is reported now, not at
 * the first upload. Synchronous, since every cold start waits for it: the same calls by promises take ten times as long.
 * Returns false when other users can open the first folder and that cannot be changed.
 */
function prepareFolders(folders: readonly [string, ...string[]]): boolean {
  const [home] = folders;
  const probe = join(home, `.probe-${randomBytes(6).toString('hex')}`);
  try {
    for (const folder of folders) makeFolder(folder);
    writeFileSync(probe, 'probe', { mode: PRIVATE_FILE });
    return takeRightsOfOthers(home);
  } catch (cause) {
    throw new StateFolderUnusable(home, cause);
  } finally {
    removeQuietly(probe);
  }
}

/** Node's own recursive mkdir never ends where a parent is there and still takes no folder, as /proc. */
function makeFolder(path: string): void {
  const failure = tryMakeFolder(path);
  if (failure === undefined) return;
  if (systemCode(failure) !== 'ENOENT' || dirname(path) === path) throw failure;
  makeFolder(dirname(path));
  const again = tryMakeFolder(path);
  if (again !== undefined) throw again;
}

/** What went wrong; nothing when the folder is there now, whoever made it. */
function tryMakeFolder(path: string): unknown {
  try {
    mkdirSync(path, PRIVATE_FOLDER);
    return undefined;
  } catch (error) {
    const isThere = systemCode(error) === 'EEXIST' && statSync(path).isDirectory();
    return isThere ? undefined : error;
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Why it could not be made is told already.
  }
}
