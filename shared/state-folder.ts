import { join, resolve } from 'node:path';
import type { Config } from './config.ts';
import type { LocalRoots } from './content/local-roots.ts';
import { isObjectId } from './ids.ts';

const SQLITE = 'sqlite:';

/** Where things lie in the state folder. */
export interface StateFolder {
  home: string;
  /** The SQLite file. */
  store: string;
  /** Bytes of items, by digest. */
  contents: string;
  /** A folder a snapshot. */
  buckets: string;
  /** Fetched weights and code; may be emptied while nothing runs. */
  cache: string;
}

export function stateFolder(home: string): StateFolder {
  return {
    home,
    store: join(home, 'store.sqlite'),
    contents: join(home, 'contents'),
    buckets: join(home, 'buckets', 'snapshots'),
    cache: join(home, 'cache'),
  };
}

/** The folder of a snapshot's own bucket. Ids other than ours are encoded, so that none can name another folder. */
export function ownBucketFolder(home: string, snapshotId: string): string {
  const name = isObjectId(snapshotId) ? snapshotId : `x${Buffer.from(snapshotId).toString('hex')}`;
  return join(stateFolder(home).buckets, name);
}

/** Returns the folders that the configuration opens to specs and calls, and those that it never opens. */
export function localRootsOf({
  home,
  localRoots,
  store,
}: Pick<Config, 'home' | 'localRoots' | 'store'>): LocalRoots {
  const sqliteFile = store?.startsWith(SQLITE) ? [resolve(store.slice(SQLITE.length))] : [];
  return { allowed: localRoots, private: [home, ...sqliteFile] };
}
