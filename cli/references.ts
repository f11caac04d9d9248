import { scopeOf } from '../shared/auth/actor.ts';
import { datasetFor, projectFor } from '../shared/catalog/access.ts';
import { modelFor, packageFor, serviceFor, snapshotFor } from '../shared/catalog/model-access.ts';
import type { EntityKinds } from '../shared/entities/kinds.ts';
import { hasCode } from '../shared/errors.ts';
import type { JsonObject } from '../shared/json.ts';
import { nearest } from '../shared/nearest.ts';
import type { Query } from '../shared/query/query.ts';
import { AmbiguousReference } from '../shared/resolve/errors.ts';
import { EntityNotFound } from '../shared/store/errors.ts';
import type { Session } from './session.ts';

/** Kinds that people know by name. */
export type NamedKind = 'Project' | 'Dataset' | 'Model' | 'Snapshot' | 'Package' | 'Service';

type Shop = Pick<Session, 'platform' | 'actor'>;

const READERS: { [K in NamedKind]: (shop: Shop, id: string) => Promise<EntityKinds[K]> } = {
  Project: ({ platform, actor }, id) => projectFor(platform.store, actor, id),
  Dataset: ({ platform, actor }, id) => datasetFor(platform.store, actor, id),
  Model: ({ platform, actor }, id) => modelFor(platform.store, actor, id),
  Snapshot: ({ platform, actor }, id) => snapshotFor(platform.store, actor, id),
  Package: ({ platform, actor }, id) => packageFor(platform.store, actor, id),
  Service: ({ platform, actor }, id) => serviceFor(platform.store, actor, id),
};
const PARENTS = {
  Dataset: 'Project',
  Model: 'Project',
  Snapshot: 'Model',
  Package: 'Project',
  Service: 'Project',
} as const;

/** The verb that makes one. */
const MADE_BY: Partial<Record<NamedKind, string>> = { Package: 'push', Service: 'deploy' };

/** Names that an error shows. */
const SHOWN_NAMES = 20;

/**
 * What an argument means: an id; else a name, which `PARENT/NAME` narrows to a project or, for a snapshot, to a model
 * (names hold no slash).
 * @throws EntityNotFound with the names there are, AmbiguousReference with the ids that have the name
 */
export async function find<K extends NamedKind>(
  shop: Shop,
  kind: K,
  reference: string,
): Promise<EntityKinds[K]> {
  return (await byId(shop, kind, reference)) ?? (await byName(shop, kind, reference));
}

/** Narrows a query to what belongs to a parent. */
export function childrenQuery(
  { actor }: Pick<Session, 'actor'>,
  kind: NamedKind,
  parentId: string | undefined,
): { scope: NonNullable<Query['scope']>; filter: JsonObject } {
  if (kind === 'Snapshot' && parentId !== undefined)
    return { scope: scopeOf(actor), filter: { modelId: { $in: [parentId] } } };
  return { scope: scopeOf(actor, parentId), filter: {} };
}

async function byId<K extends NamedKind>(
  shop: Shop,
  kind: K,
  id: string,
): Promise<EntityKinds[K] | undefined> {
  try {
    return await READERS[kind](shop, id);
  } catch (error) {
    if (hasCode(error, 'EntityNotFound')) return undefined;
    throw error;
  }
}

async function byName<K extends NamedKind>(shop: Shop, kind: K, reference: string): Promise<EntityKinds[K]> {
  const slash = reference.lastIndexOf('/');
  const name = reference.slice(slash + 1);
  const parent = slash > 0 ? await findParent(shop, kind, reference.slice(0, slash)) : undefined;
  const { scope, filter } = childrenQuery(shop, kind, parent?.id);
  // `$in` is exact; plain equality would read a `*` in a name as a wildcard.
  const named = { $and: [filter, { name: { $in: [name] } }] };
  const page = await shop.platform.store.query(kind, { scope, filter: named, pageSize: SHOWN_NAMES });
  if (page.items.length === 1) return page.items[0]!;
  const shown = JSON.stringify(reference.slice(0, 200));
  if (page.items.length > 1)
    throw new AmbiguousReference({
      kind,
      reference: `named ${shown}`,
      field: kind.toLowerCase(),
      found: page.items.map(({ id }) => id),
    });
  const { items } = await shop.platform.store.query(kind, { scope, filter, pageSize: SHOWN_NAMES });
  const known = items.map((entity) => entity.name);
  throw new EntityNotFound({
    kind,
    reference: shown,
    where: parent?.name ?? 'the catalog',
    known,
    advice: adviceOn(kind, name, known),
  });
}

async function findParent(
  shop: Shop,
  kind: NamedKind,
  reference: string,
): Promise<{ id: string; name: string } | undefined> {
  return kind === 'Project' ? undefined : find(shop, PARENTS[kind], reference);
}

function adviceOn(kind: NamedKind, name: string, known: readonly string[]): string {
  const command = `modelfn ${kind.toLowerCase()}s`;
  if (known.length === 0) return `There is none yet; make one with: ${command} ${MADE_BY[kind] ?? 'create'}.`;
  return `The nearest is ${nearest(name, known)}. See all with: ${command} list.`;
}
