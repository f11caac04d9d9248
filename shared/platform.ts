import type { FindSettings } from '../adapters/built-in-adapters.ts';
import type { Bucket } from './buckets/bucket.ts';
import type { Clock } from './clock.ts';
import type { Codebase } from './codebases/codebase.ts';
import type { Config } from './config.ts';
import type { ContentStore } from './content/content-store.ts';
import type { BucketSpec } from './entities/bucket-spec.ts';
import type { CodebaseSpec } from './entities/codebase-spec.ts';
import type { Snapshot } from './entities/snapshot.ts';
import type { Ids } from './ids.ts';
import type { Log } from './log.ts';
import type { Backoff } from './patience/backoff.ts';
import type { EntityStore } from './store/entity-store.ts';

/**
 * All that a process has to work with, opened once: the catalog, the resolver and the invocations take it as their
 * first argument, so that a test hands in its own clock, ids, store or contents.
 */
export interface Platform {
  readonly config: Readonly<Config>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly store: EntityStore;
  /** Delays between the attempts of a run's calls to storage. */
  readonly backoff: Readonly<Backoff>;
  readonly content: ContentStore;
  /** The bucket of a snapshot, or one given by its spec on the snapshot's behalf. @throws the codes of `buckets/errors.ts` */
  openBucket(snapshot: Pick<Snapshot, 'id' | 'projectId'>, spec: BucketSpec): Promise<Bucket>;
  /** The place of an adapter's code; `item` codebases are read from the model's own project. @throws the codes of `codebases/errors.ts` */
  openCodebase(spec: CodebaseSpec, projectId: string): Promise<Codebase>;
  /** Folder of fetched weights and code: `<home>/cache`. May be emptied while nothing runs. */
  readonly cacheDirectory: string;
  /**
   * Where something carries on what a write leaves in the store (`MODELFN_RELAY`): `settle` is to be called when an event was
   * handled, and never throws.
   */
  readonly relay?: { settle(): Promise<void> };
  /** Settings of built-in adapters, by which configurations are checked when they are written; missing where they are not. */
  readonly findSettings?: FindSettings;
  /** Closes store and files. May be called twice. */
  close(): Promise<void>;
}
