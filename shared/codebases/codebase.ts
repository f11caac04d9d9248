import type { CodebaseSpec } from '../entities/codebase-spec.ts';

/** Adapter code ready to be imported. */
export interface Checkout {
  /**
   * Folder that holds exactly the files that the digest names; another digest has another folder. Read-only by
   * convention: it is shared between runs.
   */
  directory: string;
  /** Names the exact code: sha256 over paths and contents, or a commit. Recorded with every prediction and training. */
  digest: string;
}

/**
 * A place adapter code is fetched from.
 *
 * - `checkout` may be called often and by several processes at once; a digest is fetched once a machine.
 * - What comes from outside is refused whole when any part of it is hostile: nothing is left behind.
 */
export interface Codebase {
  readonly spec: CodebaseSpec;
  checkout(signal?: AbortSignal): Promise<Checkout>;
}
