import type { RemoteRefs } from './advertisement.ts';

export interface FetchRequest {
  /** Objects asked for. */
  wants: readonly string[];
  /** Commits that are here with all their files: nothing of them is sent again. */
  haves: readonly string[];
  /** 1: only what the commits hold now, not what came before. Missing: all history. */
  depth?: 1;
}

/** A branch from one commit to the next: refused by the server when it is not at `from` any more. */
export interface RefUpdate {
  /** Full name. */
  branch: string;
  /** `undefined`: the branch is to be made. */
  from: string | undefined;
  to: string;
}

/** A pack on the disk, to be sent. */
export interface PackFile {
  sizeBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** A repository elsewhere: over a wire, or in a folder. */
export interface GitRemote {
  /**
   * Hands the refs to `session`, which may ask for objects once, on the same connection.
   * @throws GitUnavailable, GitAccessDenied, GitRepositoryNotFound, GitProtocolError, GitRedirectRefused;
   * GitWantRefused when it does not hand out what is asked for
   */
  read<T>(
    session: (refs: RemoteRefs, fetch: (request: FetchRequest) => AsyncIterable<Uint8Array>) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T>;

  /**
   * Sends objects and moves a branch to them, in one step.
   * @throws GitRefMoved when the branch is not at `from`; GitPushRefused, and as `read`
   */
  push(update: RefUpdate, pack: PackFile, signal: AbortSignal | undefined): Promise<void>;
}
