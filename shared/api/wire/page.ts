import type { Page } from '../../store/entity-store.ts';

/** A page with each entity in its wire form (docs/WIRE.md, Pages). */
export function pageToWire<E, W>(page: Page<E>, toWire: (entity: E) => W): Page<W> {
  return { ...page, items: page.items.map(toWire) };
}
