import type { Request } from 'express';
import * as z from 'zod/mini';
import { parse } from '../parse.ts';

/** A query parameter as text; of several by that name the last. `undefined` when missing or empty. */
export function textParameter(request: Request, name: string): string | undefined {
  const value: unknown = request.query[name];
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === 'string' && last !== '' ? last : undefined;
}

/** A list separated by commas; `undefined` when missing or empty. */
export function listParameter(request: Request, name: string): string[] | undefined {
  return textParameter(request, name)
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** True for `true`, in whatever case; Python writes `True`. */
export function flagParameter(request: Request, name: string): boolean {
  return textParameter(request, name)?.toLowerCase() === 'true';
}

const pagingSchema = z.object({
  page: z.optional(z.coerce.number().check(z.int(), z.gte(0))),
  pageSize: z.optional(z.coerce.number().check(z.int(), z.gte(1), z.lte(10_000))),
});

/** Paging of plain lists: `pageOffset` and `pageSize`. @throws InvalidInput */
export function pagingParameters(request: Request): { page?: number; pageSize?: number } {
  const { page, pageSize } = parse(
    pagingSchema,
    { page: textParameter(request, 'pageOffset'), pageSize: textParameter(request, 'pageSize') },
    'query parameters',
  );
  return { ...(page !== undefined && { page }), ...(pageSize !== undefined && { pageSize }) };
}
