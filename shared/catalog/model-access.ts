import { type Actor, maySee } from '../auth/actor.ts';
import type { Execution } from '../entities/execution.ts';
import type { EntityKind } from '../entities/kinds.ts';
import type { Model } from '../entities/model.ts';
import type { Package } from '../entities/package.ts';
import type { Service } from '../entities/service.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Trigger } from '../entities/trigger.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { EntityNotFound } from '../store/errors.ts';

// Each reader throws EntityNotFound for a foreign entity as for a missing one: existence is not given away.

/** @throws EntityNotFound */
export async function modelFor(store: EntityStore, actor: Actor, id: string): Promise<Model> {
  const model = await store.get('Model', id);
  return model && maySee(actor, model.projectId) ? model : notFound('Model', id);
}

/** @throws EntityNotFound */
export async function snapshotFor(store: EntityStore, actor: Actor, id: string): Promise<Snapshot> {
  const snapshot = await store.get('Snapshot', id);
  return snapshot && maySee(actor, snapshot.projectId) ? snapshot : notFound('Snapshot', id);
}

/** @throws EntityNotFound */
export async function triggerFor(store: EntityStore, actor: Actor, id: string): Promise<Trigger> {
  const trigger = await store.get('Trigger', id);
  return trigger && maySee(actor, trigger.projectId) ? trigger : notFound('Trigger', id);
}

/** @throws EntityNotFound */
export async function packageFor(store: EntityStore, actor: Actor, id: string): Promise<Package> {
  const found = await store.get('Package', id);
  return found && maySee(actor, found.projectId) ? found : notFound('Package', id);
}

/** @throws EntityNotFound */
export async function serviceFor(store: EntityStore, actor: Actor, id: string): Promise<Service> {
  const service = await store.get('Service', id);
  return service && maySee(actor, service.projectId) ? service : notFound('Service', id);
}

/** A run that found no project yet is seen by who asked for it. @throws EntityNotFound */
export async function executionFor(store: EntityStore, actor: Actor, id: string): Promise<Execution> {
  const execution = await store.get('Execution', id);
  return execution && mayFollow(actor, execution) ? execution : notFound('Execution', id);
}

function mayFollow(actor: Actor, { projectId, creator }: Execution): boolean {
  if (projectId !== null) return maySee(actor, projectId);
  return actor.projectIds === 'all' || creator === actor.email;
}

function notFound(kind: EntityKind, id: string): never {
  throw new EntityNotFound({
    kind,
    reference: JSON.stringify(id.slice(0, 128)),
    advice: 'It was deleted, or it belongs to a project that you are not a member of.',
  });
}
