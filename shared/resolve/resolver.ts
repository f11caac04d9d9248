import { type Actor, maySee, scopeOf } from '../auth/actor.ts';
import type { EntityKinds } from '../entities/kinds.ts';
import type { Json, JsonObject } from '../json.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { EntityNotFound } from '../store/errors.ts';
import type { EntityCache } from './entity-cache.ts';
import { AmbiguousReference, EntityOutsideProject } from './errors.ts';
import { projectsOf } from './project-of.ts';
import {
  describeReference,
  type ItemSelection,
  type Reference,
  type ReferenceKind,
  readReference,
  readReferences,
} from './reference.ts';

const SHOWN_NAMES = 10;

/** One reference waiting for its entity. */
interface Pending {
  kind: ReferenceKind;
  reference: Reference;
  field: string;
}

/** What an entity is asked for by: its kind, the value a caller wrote, and the input's name for errors. */
export interface Wanted {
  kind: ReferenceKind;
  value: Json;
  field: string;
  /** A list of entities, or one. */
  many: boolean;
}

/**
 * Turns references into entities: all references of a call in one read a kind, bounded by what the actor may see, and
 * all of one project. Every error names the field, the reference and what was found instead.
 */
export class Resolver {
  readonly #store: EntityStore;
  readonly #cache: EntityCache;
  readonly #actor: Actor;
  readonly #projectId: string | undefined;
  readonly #datasets = new Map<string, EntityKinds['Dataset']>();

  /** `projectId`: the project of the call, when the caller named one. */
  constructor(options: {
    store: EntityStore;
    cache: EntityCache;
    actor: Actor;
    projectId?: string | undefined;
  }) {
    this.#store = options.store;
    this.#cache = options.cache;
    this.#actor = options.actor;
    this.#projectId = options.projectId;
  }

  /**
   * Entities of each wanted input, in its own order, and the project of the call: the one the caller named, else that of
   * the first entity in the order datasets, items, others. Entities are frozen.
   * @throws EntityNotFound, AmbiguousReference, EntityOutsideProject, InvalidInput
   */
  async resolve(
    wanted: readonly Wanted[],
  ): Promise<{ entities: EntityKinds[ReferenceKind][][]; projectId: string | undefined }> {
    const read = wanted.map(({ kind, value, field, many }) =>
      many ? readReferences(kind, value, field) : { references: [readReference(kind, value, field)] },
    );
    const pending = wanted.map(({ kind, field }, index) => {
      const references = 'references' in read[index]! ? read[index].references : [];
      return references.map((reference): Pending => ({ kind, reference, field }));
    });
    const entities = await this.#each(pending);
    for (const [index, each] of read.entries()) {
      if ('selection' in each) entities[index] = await this.#select(each.selection, wanted[index]!.field);
    }
    const projectId = await this.#oneProject(wanted, entities);
    return { entities, projectId };
  }

  async #each(pending: readonly Pending[][]): Promise<EntityKinds[ReferenceKind][][]> {
    const byId = await this.#readIds(pending.flat());
    return Promise.all(
      pending.map((group) =>
        Promise.all(
          group.map(async (each) =>
            each.reference.by === 'id'
              ? (byId.get(keyOf(each)) ?? this.#notFound(each))
              : this.#byName(each.kind, each.reference, each.field),
          ),
        ),
      ),
    );
  }

  async #one<K extends ReferenceKind>(kind: K, reference: Reference, field: string): Promise<EntityKinds[K]> {
    const entities = await this.#each([[{ kind, reference, field }]]);
    return entities[0]![0] as EntityKinds[K];
  }

  async #readIds(pending: readonly Pending[]): Promise<Map<string, EntityKinds[ReferenceKind]>> {
    const idsByKind = new Map<ReferenceKind, Set<string>>();
    for (const { kind, reference } of pending) {
      if (reference.by !== 'id') continue;
      const ids = idsByKind.get(kind) ?? new Set();
      idsByKind.set(kind, ids.add(reference.id));
    }
    const found = new Map<string, EntityKinds[ReferenceKind]>();
    for (const [kind, ids] of idsByKind) {
      const entities = [...(await this.#cache.getMany(this.#store, kind, [...ids])).values()];
      const projects = await this.#projectsOf(kind, entities);
      for (const [index, entity] of entities.entries())
        if (this.#sees(projects[index])) found.set(`${kind}:${entity.id}`, entity);
    }
    return found;
  }

  /** A foreign entity is as good as none: its existence is not given away. */
  #sees(projects: readonly string[] | undefined): boolean {
    return projects === undefined || projects.some((id) => maySee(this.#actor, id));
  }

  async #byName(
    kind: ReferenceKind,
    reference: Extract<Reference, { by: 'name' }>,
    field: string,
  ): Promise<EntityKinds[ReferenceKind]> {
    const { filter, projectId } = await this.#borders(kind, reference, field);
    const scope = scopeOf(this.#actor, projectId);
    const page = await this.#store.query(kind, {
      filter: { $and: [...filter, nameCondition(kind, reference.name)] },
      scope,
      pageSize: SHOWN_NAMES,
    });
    if (page.items.length === 1) return page.items[0]!;
    const described = describeReference(reference);
    if (page.items.length > 1)
      throw new AmbiguousReference({
        kind,
        reference: described,
        field,
        found: page.items.map(({ id }) => id),
      });
    const near = await this.#store.query(kind, { filter: { $and: filter }, scope, pageSize: SHOWN_NAMES });
    throw new EntityNotFound({
      kind,
      reference: described,
      field,
      known: near.items.map(nameOf),
      ...(projectId !== undefined && { where: `project ${projectId}` }),
      advice: 'Check the spelling, or refer to it by id.',
    });
  }

  /** What narrows a name: the reference's own project, model or dataset, else the project of the call. */
  async #borders(
    kind: ReferenceKind,
    reference: Extract<Reference, { by: 'name' }>,
    field: string,
  ): Promise<{ filter: JsonObject[]; projectId: string | undefined }> {
    const filter: JsonObject[] = [];
    const border = async (of: 'Project' | 'Model' | 'Dataset', inner: Reference | undefined) =>
      inner && (await this.#one(of, inner, `${field}.${of.toLowerCase()}`)).id;
    const project = await border('Project', reference.project);
    const model = await border('Model', reference.model);
    const dataset = await border('Dataset', reference.dataset);
    if (model !== undefined) filter.push({ modelId: model });
    if (dataset !== undefined) filter.push({ datasetId: dataset });
    return { filter, projectId: project ?? (kind === 'Project' ? undefined : this.#projectId) };
  }

  async #select(
    { dataset, filter, sort, page: wanted }: ItemSelection,
    field: string,
  ): Promise<EntityKinds['Item'][]> {
    const found = await this.#one('Dataset', dataset, `${field}.dataset`);
    const items: EntityKinds['Item'][] = [];
    const bySort = wanted ? 'id' : 'filename';
    for (let page = wanted?.number ?? 0; ; page += 1) {
      const answer = await this.#store.query('Item', {
        filter: { $and: [{ type: 'file' }, { hidden: false }, filter] },
        scope: { datasetId: found.id },
        sort: sort ?? [{ field: bySort, direction: 'ascending' }],
        page,
        pageSize: wanted?.size ?? 10_000,
      });
      items.push(...answer.items);
      if (wanted || !answer.hasNextPage) return items;
    }
  }

  async #oneProject(
    wanted: readonly Wanted[],
    entities: readonly EntityKinds[ReferenceKind][][],
  ): Promise<string | undefined> {
    let projectId = this.#projectId;
    for (const index of inOrderOfProject(wanted)) {
      const { kind, field } = wanted[index]!;
      const projects = await this.#projectsOf(kind, entities[index]!);
      for (const [at, own] of projects.entries()) {
        if (own === undefined) continue;
        projectId ??= own[0];
        if (projectId === undefined || own.includes(projectId)) continue;
        throw new EntityOutsideProject({
          kind,
          field,
          id: entities[index]![at]!.id,
          projectId,
          found: own.join(', '),
        });
      }
    }
    return projectId;
  }

  async #projectsOf(
    kind: ReferenceKind,
    entities: readonly EntityKinds[ReferenceKind][],
  ): Promise<(readonly string[] | undefined)[]> {
    return projectsOf(kind, entities, (ids) => this.#readDatasets(ids));
  }

  /** Asked for twice, by who may see an item and by whose project it is; once a call is enough. */
  async #readDatasets(ids: readonly string[]): Promise<ReadonlyMap<string, EntityKinds['Dataset']>> {
    const missing = ids.filter((id) => !this.#datasets.has(id));
    if (missing.length > 0)
      for (const [id, dataset] of await this.#cache.getMany(this.#store, 'Dataset', missing))
        this.#datasets.set(id, dataset);
    return this.#datasets;
  }

  #notFound({ kind, reference, field }: Pending): never {
    throw new EntityNotFound({
      kind,
      reference: describeReference(reference),
      field,
      advice: `It was deleted, or it is an id of another kind, or it is a name: then write {"name": ${JSON.stringify((reference as { id: string }).id)}}.`,
    });
  }
}

/** The platform's order of looking for the project of a call (docs/WIRE.md, Inputs and outputs): datasets, items, the rest. */
function inOrderOfProject(wanted: readonly Wanted[]): number[] {
  const rank = { Dataset: 0, Item: 1 } as Partial<Record<ReferenceKind, number>>;
  const rankOf = (index: number) => rank[wanted[index]!.kind] ?? 2;
  return wanted.map((_, index) => index).sort((a, b) => rankOf(a) - rankOf(b));
}

function keyOf({ kind, reference }: Pending): string {
  return `${kind}:${(reference as { id: string }).id}`;
}

function nameCondition(kind: ReferenceKind, name: string): JsonObject {
  if (kind !== 'Item')
    return { [kind === 'Recipe' || kind === 'Ontology' ? 'title' : 'name']: { $eq: name } };
  return { [name.startsWith('/') ? 'filename' : 'name']: { $eq: name } };
}

function nameOf(entity: EntityKinds[ReferenceKind]): string {
  const { filename, name, title, id } = entity as {
    filename?: string;
    name?: string;
    title?: string;
    id: string;
  };
  return filename ?? name ?? title ?? id;
}
