import type { RemoteRefs } from './advertisement.ts';

/** What a name stands for in a repository. */
export interface ResolvedRef {
  commit: string;
  /** Its full name when it is a branch. */
  branch: string | undefined;
}

/** Name of the default branch: what a clone checks out. */
export const DEFAULT_BRANCH = 'HEAD';

/** Names what a spec asks for, for an error. */
export function describeRef(name: string): string {
  return name === DEFAULT_BRANCH ? 'default branch' : `branch, tag or commit ${JSON.stringify(name)}`;
}

/** A tag or a branch by its name, in git's own order (gitrevisions(7)); `undefined` when neither has it. */
export function resolveRef({ refs, peeled, head }: RemoteRefs, name: string): ResolvedRef | undefined {
  if (name === DEFAULT_BRANCH) return defaultBranch({ refs, head });
  for (const full of [name, `refs/tags/${name}`, `refs/heads/${name}`]) {
    const oid = full.startsWith('refs/') ? refs.get(full) : undefined;
    if (oid === undefined) continue;
    return { commit: peeled.get(full) ?? oid, branch: full.startsWith('refs/heads/') ? full : undefined };
  }
  return undefined;
}

/** A detached HEAD is a commit and no branch. */
function defaultBranch({ refs, head }: Pick<RemoteRefs, 'refs' | 'head'>): ResolvedRef | undefined {
  const tip = head === undefined ? undefined : refs.get(head);
  if (tip !== undefined) return { commit: tip, branch: head };
  const detached = refs.get(DEFAULT_BRANCH);
  return detached === undefined ? undefined : { commit: detached, branch: undefined };
}

/** The full name of the branch that a name makes when the repository has none by it; `undefined` for a tag's and for the default branch. */
export function branchToMake(name: string): string | undefined {
  if (name === DEFAULT_BRANCH) return undefined;
  if (name.startsWith('refs/heads/')) return name;
  return name.startsWith('refs/') ? undefined : `refs/heads/${name}`;
}

/** The tips a history can be fetched from. */
export function allTips({ refs, peeled }: RemoteRefs): string[] {
  const tips = [...refs]
    .filter(([name]) => name.startsWith('refs/heads/') || name.startsWith('refs/tags/'))
    .map(([name, oid]) => peeled.get(name) ?? oid);
  return [...new Set(tips)];
}
