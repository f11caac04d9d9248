import type { Page } from '../../store/entity-store.ts';

/** A page with each entity in its wire form (contract section 2.6). */
export function pageToWire<E, W>(page: Page<E>, toWire: (entity: E) => W): Page<W> {
  return { ...page, items: page.items.map(toWire) };
}
