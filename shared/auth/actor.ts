/** Who asks. Every read and write is bounded by what the actor may see. */
export interface Actor {
  /** Written as `creator` and `updatedBy`. */
  readonly email: string;
  /** Projects the actor belongs to; `all` on a machine of one's own, where the server listens on loopback only. */
  readonly projectIds: readonly string[] | 'all';
}

/** The person at the machine: the only actor while the server has no accounts and listens on loopback alone. */
export const LOCAL_ACTOR: Actor = Object.freeze({ email: 'local@modelfn', projectIds: 'all' });

/** True when the actor may see what belongs to the project. */
export function maySee(actor: Actor, projectId: string): boolean {
  return actor.projectIds === 'all' || actor.projectIds.includes(projectId);
}

/** The border of a query by this actor, narrowed to one project if given; `{}` when there is none. */
export function scopeOf(actor: Actor, projectId?: string): { projectIds?: readonly string[] } {
  if (projectId !== undefined) return { projectIds: maySee(actor, projectId) ? [projectId] : [] };
  return actor.projectIds === 'all' ? {} : { projectIds: actor.projectIds };
}
