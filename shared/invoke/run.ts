import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import type { Actor } from '../auth/actor.ts';
import type { Log } from '../log.ts';
import type { Platform } from '../platform.ts';
import type { EntityCache } from '../resolve/entity-cache.ts';
import type { FileCache } from '../snapshots/files/file-cache.ts';
import type { LoadedSnapshots } from '../snapshots/loaded-snapshots.ts';

/** What a container keeps between invocations. */
export interface Container {
  readonly platform: Platform;
  readonly entities: EntityCache;
  readonly loaded: LoadedSnapshots;
  readonly files: FileCache;
  readonly builtIns: BuiltInAdapters;
}

/** One run of a function: what it may use beside its inputs. */
export interface Run {
  readonly container: Container;
  /**
   * All writes of a run go through its `store`: they are refused once another container took the run over. Its contents and
   * buckets are retried while storage is unavailable.
   */
  readonly platform: Platform;
  readonly actor: Actor;
  readonly executionId: string;
  /** The project of the call; known as soon as one entity was given. */
  readonly projectId: string | undefined;
  /** When the run has to have ended, ms since 1970 by `platform.clock`; `undefined` without a limit. */
  readonly deadline: number | undefined;
  /** Aborted by terminate, by a lost lease or at the deadline. */
  readonly signal: AbortSignal;
  /** Kept with the execution, as what the adapter says on the console is. */
  readonly log: Log;
  /** Called before results are kept. @throws what a read of an item failed with, also where an adapter caught it */
  assertAllRead(): void;
  /** 0..100 with a word for people; cheap, written to the execution now and then. */
  progress(percentComplete: number, message?: string): void;
}
