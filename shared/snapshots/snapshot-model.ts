import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Container } from '../invoke/run.ts';
import type { JsonObject } from '../json.ts';
import { EntityNotFound } from '../store/errors.ts';

/** The model of a snapshot, from the container's cache while it is current. @throws EntityNotFound */
export async function modelOf(
  { platform, entities }: Pick<Container, 'platform' | 'entities'>,
  snapshot: Readonly<Snapshot>,
): Promise<Readonly<Model>> {
  const found = await entities.getMany(platform.store, 'Model', [snapshot.modelId]);
  const model = found.get(snapshot.modelId);
  if (model) return model;
  throw new EntityNotFound({
    kind: 'Model',
    reference: snapshot.modelId,
    field: `snapshot ${snapshot.name}`,
    advice: 'The model was deleted; clone the snapshot onto another one.',
  });
}

/** A snapshot as outputs name it. */
export function describeSnapshot({ id, name, revision, modelId }: Readonly<Snapshot>): JsonObject {
  return { id, name, revision, modelId };
}
