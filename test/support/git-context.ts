import type { GitContext } from '../../shared/git/git-source.ts';
import { Secrets } from '../../shared/secrets.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

/** What git is given in a test: a cache of its own, nothing allowed but what `more` allows. */
export function gitContext(more: Partial<GitContext> = {}): GitContext {
  return {
    hosts: [],
    secrets: new Secrets(),
    localRoots: { allowed: [], private: [] },
    cacheDirectory: temporaryFolder(),
    clock: { now: () => Date.UTC(2026, 0, 2) },
    ...more,
  };
}
