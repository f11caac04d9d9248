import type { RemoteRefs } from './advertisement.ts';

/** What a name stands for in a repository. */
export interface ResolvedRef {
  commit: string;
  /** Its full name when it is a branch. */
  branch: string | undefined;
}

/** A tag or a branch by its name, in git's own order (gitrevisions(7)); `undefined` when neither has it. */
export function resolveRef({ refs, peeled }: RemoteRefs, name: string): ResolvedRef | undefined {
  for (const full of [name, `refs/tags/${name}`, `refs/heads/${name}`]) {
    const oid = full.startsWith('refs/') ? refs.get(full) : undefined;
    if (oid === undefined) continue;
    return { commit: peeled.get(full) ?? oid, branch: full.startsWith('refs/heads/') ? full : undefined };
  }
  return undefined;
}

/** The full name of the branch that a name makes when the repository has none by it; `undefined` for a tag's. */
export function branchToMake(name: string): string | undefined {
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
