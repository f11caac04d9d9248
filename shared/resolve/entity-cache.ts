import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import { deepFreeze } from '../json.ts';
import type { EntityStore, Versioned } from '../store/entity-store.ts';

const DEFAULT_CAPACITY = 10_000;

/**
 * Entities this container has read before, each good for exactly one row version: before an entity is handed out its
 * version is asked for, so that a change by any process is seen by the next call. What is handed out is frozen.
 */
export class EntityCache {
  readonly #capacity: number;
  readonly #entries = new Map<string, Versioned<unknown>>();

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  /** The entities found, by id. One query for the versions of what is known, one for the rest. */
  async getMany<K extends EntityKind>(
    store: EntityStore,
    kind: K,
    ids: readonly string[],
  ): Promise<Map<string, EntityKinds[K]>> {
    const known = ids.filter((id) => this.#entries.has(keyOf(kind, id)));
    const versions = known.length > 0 ? await store.versions(kind, known) : new Map<string, number>();
    const found = new Map<string, EntityKinds[K]>();
    const missing: string[] = [];
    for (const id of ids) {
      const entry = this.#entries.get(keyOf(kind, id));
      if (entry && versions.get(id) === entry.version) found.set(id, entry.entity as EntityKinds[K]);
      else missing.push(id);
    }
    if (missing.length === 0) return found;
    for (const { entity, version } of await store.getMany(kind, missing)) {
      this.#keep(keyOf(kind, entity.id), { entity: deepFreeze(entity), version });
      found.set(entity.id, entity);
    }
    return found;
  }

  #keep(key: string, entry: Versioned<unknown>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#capacity) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}

function keyOf(kind: EntityKind, id: string): string {
  return `${kind}:${id}`;
}
