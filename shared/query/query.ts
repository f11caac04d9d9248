import type { JsonObject } from '../json.ts';

/** The other side of an inner join: at least one entity of it satisfies all of `filter` (docs/WIRE.md, Joins). */
export interface Join {
  resource: 'annotations' | 'items';
  filter: JsonObject;
}

/** Sort keys in order of priority, dotted field names. */
export type Sort = readonly { field: string; direction: 'ascending' | 'descending' }[];

/**
 * A question to the store. `filter` is the filter language of docs/WIRE.md, Queries as JSON; it is checked when
 * compiled (`InvalidFilter` names the part).
 */
export interface Query {
  filter?: JsonObject;
  join?: Join;
  sort?: Sort;
  /** Zero-based. */
  page?: number;
  /** 1..10,000; 1,000 when missing. */
  pageSize?: number;
  /** What the caller may see; always added with `and`. Missing fields do not narrow. */
  scope?: QueryScope;
}

/** Borders of a query that no filter can widen. */
export interface QueryScope {
  projectIds?: readonly string[];
  datasetId?: string;
}
