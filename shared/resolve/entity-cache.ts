import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import { deepFreeze } from '../json.ts';
import type { EntityStore, Versioned } from '../store/entity-store.ts';

const DEFAULT_CAPACITY = 10_000;

/** An entity as it was read, and the store's change mark when it was last known to be current. */
type Entry = Versioned<unknown> & { mark: string | undefined };

/**
 * Entities this container has read before, each good for exactly one row version. Before an entity is handed out the
 * store is asked for its change mark, and when that moved, for the entity's version: a change by any process is seen by
 * the next call. What is handed out is frozen.
 */
export class EntityCache {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  /** The entities found, by id. At most one query for the versions of what is known, and one for the rest. */
  async getMany<K extends EntityKind>(
    store: EntityStore,
    kind: K,
    ids: readonly string[],
  ): Promise<Map<string, EntityKinds[K]>> {
    // Read before anything else: what changes from here on is found by the next call.
    const mark = store.changeMark(kind);
    const found = await this.#current(store, kind, ids, mark);
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    for (const { entity, version } of await store.getMany(kind, missing)) {
      this.#keep(keyOf(kind, entity.id), { entity: deepFreeze(entity), version, mark });
      found.set(entity.id, entity);
    }
    return found;
  }

  /** What is kept and still as it is in the store. */
  async #current<K extends EntityKind>(
    store: EntityStore,
    kind: K,
    ids: readonly string[],
    mark: string | undefined,
  ): Promise<Map<string, EntityKinds[K]>> {
    const current = new Map<string, EntityKinds[K]>();
    const doubtful = new Map<string, Entry>();
    for (const id of ids) {
      const entry = this.#entries.get(keyOf(kind, id));
      if (!entry) continue;
      if (mark !== undefined && entry.mark === mark) current.set(id, entry.entity as EntityKinds[K]);
      else doubtful.set(id, entry);
    }
    if (doubtful.size === 0) return current;
    const versions = await store.versions(kind, [...doubtful.keys()]);
    for (const [id, entry] of doubtful) {
      if (versions.get(id) !== entry.version) continue;
      entry.mark = mark;
      current.set(id, entry.entity as EntityKinds[K]);
    }
    return current;
  }

  #keep(key: string, entry: Entry): void {
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
