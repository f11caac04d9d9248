import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema } from '../entities/fields.ts';
import type { EntityKind } from '../entities/kinds.ts';
import { InvalidInput } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Sort } from '../query/query.ts';

/** Kinds an input of a function may refer to. */
export type ReferenceKind = Extract<
  EntityKind,
  | 'Project'
  | 'Dataset'
  | 'Item'
  | 'Annotation'
  | 'Recipe'
  | 'Ontology'
  | 'Model'
  | 'Snapshot'
  | 'Execution'
  | 'Package'
  | 'Service'
>;

/** A reference, read: by id, or by name within borders that are references themselves. */
export type Reference =
  | { by: 'id'; id: string }
  | { by: 'name'; name: string; project?: Reference; model?: Reference; dataset?: Reference };

/** The items of a dataset that satisfy a filter, or a page of them. */
export interface ItemSelection {
  dataset: Reference;
  filter: JsonObject;
  sort?: Sort;
  /** One page of them, counted from 0; all when missing. Without `sort` pages go by id: what is new comes last. */
  page?: { number: number; size: number };
}

const nameText = z.string().check(z.minLength(1), z.maxLength(1024));
const byName = z.strictObject({
  name: z.optional(nameText),
  /** The path of an item: its name within a dataset. */
  filename: z.optional(nameText),
  project: z.optional(z.json()),
  model: z.optional(z.json()),
  dataset: z.optional(z.json()),
});
const selection = z.strictObject({
  dataset: z.json(),
  filter: z._default(jsonObjectSchema, {}),
  sort: z.optional(z.record(z.string(), z.enum(['ascending', 'descending']))),
  page: z.optional(z.int().check(z.gte(0))),
  pageSize: z.optional(z.int().check(z.gte(1), z.lte(10_000))),
});

const DEFAULT_PAGE_SIZE = 1_000;

/** `item_id` for Item, and so on: the key a Dataloop client writes. */
export function idKeyOf(kind: ReferenceKind): string {
  return `${kind.toLowerCase()}_id`;
}

/**
 * Reads one reference: an id, `{ "<kind>_id": id }`, `{ id }`, or `{ name, project?, model?, dataset? }` (an item also by
 * `{ filename, dataset }`). A whole entity as the API answers it is a reference too: its `id` counts.
 * @throws InvalidInput naming the field and the forms there are.
 */
export function readReference(kind: ReferenceKind, value: Json, field: string): Reference {
  if (typeof value === 'string') return byId(value, kind, field);
  if (!isJsonObject(value)) throw notAReference(kind, value, field);
  const id = value[idKeyOf(kind)] ?? value.id ?? value._id;
  if (typeof id === 'string') return byId(id, kind, field);
  if (id !== undefined) throw notAReference(kind, value, field);
  const named = z.safeParse(byName, value);
  const name = named.data?.name ?? named.data?.filename;
  if (!named.success || name === undefined) throw notAReference(kind, value, field);
  const { project, model, dataset } = named.data;
  return {
    by: 'name',
    name,
    ...(project !== undefined && { project: readReference('Project', project, `${field}.project`) }),
    ...(model !== undefined && { model: readReference('Model', model, `${field}.model`) }),
    ...(dataset !== undefined && { dataset: readReference('Dataset', dataset, `${field}.dataset`) }),
  };
}

/** Reads a list of references, or a selection of items by `{ dataset, filter?, sort?, page?, pageSize? }`. */
export function readReferences(
  kind: ReferenceKind,
  value: Json,
  field: string,
): { references: Reference[] } | { selection: ItemSelection } {
  if (Array.isArray(value))
    return { references: value.map((each, index) => readReference(kind, each, `${field}[${index}]`)) };
  if (
    kind === 'Item' &&
    isJsonObject(value) &&
    'dataset' in value &&
    !('name' in value) &&
    !('filename' in value)
  ) {
    const read = z.safeParse(selection, value);
    if (!read.success)
      throw new InvalidInput(
        'input',
        read.error.issues.map((issue) => ({
          field: [field, ...issue.path.map(String)].join('.'),
          problem: issue.message,
        })),
      );
    const { dataset, filter, sort, page, pageSize } = read.data;
    return {
      selection: {
        dataset: readReference('Dataset', dataset, `${field}.dataset`),
        filter,
        ...(sort && {
          sort: Object.entries(sort).map(([name, direction]) => ({ field: name, direction })),
        }),
        ...(page !== undefined && { page: { number: page, size: pageSize ?? DEFAULT_PAGE_SIZE } }),
      },
    };
  }
  return { references: [readReference(kind, value, field)] };
}

/** The reference as an error shows it. */
export function describeReference(reference: Reference): string {
  if (reference.by === 'id') return JSON.stringify(reference.id);
  const borders = (['project', 'model', 'dataset'] as const)
    .filter((border) => reference[border] !== undefined)
    .map((border) => ` in ${border} ${describeReference(reference[border]!)}`);
  return `named ${JSON.stringify(reference.name)}${borders.join('')}`;
}

function byId(id: string, kind: ReferenceKind, field: string): Reference {
  if (!z.safeParse(idSchema, id).success) throw notAReference(kind, id, field);
  return { by: 'id', id };
}

function notAReference(kind: ReferenceKind, value: Json, field: string): InvalidInput {
  const shown = JSON.stringify(value)?.slice(0, 80);
  return new InvalidInput('input', [
    {
      field,
      problem: `${shown} does not refer to a ${kind}; take an id, {"${idKeyOf(kind)}": id} or {"name": name}`,
    },
  ]);
}
