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
  /**
   * True: documents that are damaged are left out and reported, so that one of them does not stop a loop that serves
   * others. Default: the query fails and names the first, since a smaller answer would be a wrong one.
   */
  skipsUnreadable?: boolean;
}

/** Borders of a query that no filter can widen. */
export interface QueryScope {
  projectIds?: readonly string[];
  datasetId?: string;
}
