import { join } from 'node:path';
import { isObjectId } from './ids.ts';

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
