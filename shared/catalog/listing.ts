import type { Query } from '../query/query.ts';

/** Paging of a plain list, as `pageOffset` and `pageSize` of the client: `page` counts pages from zero. */
export interface ListPage {
  page?: number;
  pageSize?: number;
}

/** The paging part of a query; what is not given is left to the store. */
export function pagingOf({ page, pageSize }: ListPage): Pick<Query, 'page' | 'pageSize'> {
  return { ...(page !== undefined && { page }), ...(pageSize !== undefined && { pageSize }) };
}
