import * as z from 'zod/mini';
import { jsonObjectSchema } from '../entities/fields.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Query } from './query.ts';

const joinSchema = z.object({
  on: z.object({ resource: z.enum(['annotations', 'items']) }),
  filter: z._default(jsonObjectSchema, {}),
});

/** The body of every query endpoint (docs/WIRE.md, Envelope). Nulls of the client are read as "not given". */
const envelopeSchema = z.object({
  filter: z.nullish(jsonObjectSchema),
  sort: z.nullish(z.record(z.string(), z.enum(['ascending', 'descending']))),
  page: z.nullish(z.number()),
  pageSize: z.nullish(z.number()),
  resource: z.nullish(z.string()),
  join: z.nullish(z.union([joinSchema, z.strictObject({})])),
  delete: z.nullish(z.boolean()),
  update: z.nullish(jsonObjectSchema),
  systemSpace: z.nullish(z.boolean()),
});

/** An envelope, read. */
export interface Envelope {
  /** `items` when the body does not say. */
  resource: string;
  query: Query;
  /** Every match is to be deleted, paging ignored. */
  delete: boolean;
  /** To be merged into every match, paging ignored. */
  update: JsonObject | undefined;
  /** Whether `update` may change `metadata.system`. */
  systemSpace: boolean;
}

/**
 * Reads the body of a query. Task references are another product's and not read.
 * @throws InvalidInput; the filter itself is checked when the store compiles it
 */
export function readEnvelope(body: unknown): Envelope {
  const read = parse(envelopeSchema, body ?? {}, 'query');
  const { filter, sort, page, pageSize, join } = read;
  return {
    resource: read.resource ?? 'items',
    query: {
      filter: filter ?? {},
      ...(sort && { sort: Object.entries(sort).map(([field, direction]) => ({ field, direction })) }),
      ...(typeof page === 'number' && { page }),
      ...(typeof pageSize === 'number' && { pageSize }),
      ...(join && 'on' in join && { join: { resource: join.on.resource, filter: join.filter } }),
    },
    delete: read.delete ?? false,
    update: read.update ?? undefined,
    systemSpace: read.systemSpace ?? false,
  };
}
