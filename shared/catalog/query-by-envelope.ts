import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import { InvalidInput } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { readEnvelope } from '../query/envelope.ts';
import type { QueryScope } from '../query/query.ts';
import type { Page } from '../store/entity-store.ts';

/**
 * Answers an envelope (docs/WIRE.md, Envelope) on one kind, within `scope`. The envelope's own `resource` says nothing:
 * the caller knows the kind. @throws InvalidFilter; InvalidInput, also for a `delete` or `update` over a query
 */
export async function queryByEnvelope<K extends EntityKind>(
  { store }: Pick<Platform, 'store'>,
  kind: K,
  input: unknown,
  scope: QueryScope,
): Promise<Page<EntityKinds[K]>> {
  const envelope = readEnvelope(input);
  if (envelope.delete || envelope.update !== undefined)
    throw new InvalidInput('query', [
      { field: envelope.delete ? 'delete' : 'update', problem: `does not work over a query of kind ${kind}` },
    ]);
  return store.query(kind, { ...envelope.query, scope });
}
