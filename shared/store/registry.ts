import type { Clock } from '../clock.ts';
import { InvalidInput } from '../errors.ts';
import type { EntityStore } from './entity-store.ts';

/** Where a store is: an address `sqlite:<path>`. */
export interface StoreOptions {
  address: string;
  clock?: Clock;
}

/** A driver is loaded when it is asked for: a bundle's start does not pay for the others. */
const DRIVERS: Readonly<Record<string, (path: string, clock?: Clock) => Promise<EntityStore>>> = {
  sqlite: async (path, clock) => {
    const { openSqliteStore } = await import('./sqlite.ts');
    return openSqliteStore({ path, ...(clock && { clock }) });
  },
};

/** Opens the store at an address. @throws InvalidInput for a driver that is not there, and the driver's own codes */
export async function openStore({ address, clock }: StoreOptions): Promise<EntityStore> {
  const [, scheme, path] = /^([a-z]+):(.*)$/s.exec(address) ?? [];
  const open = scheme !== undefined && Object.hasOwn(DRIVERS, scheme) ? DRIVERS[scheme] : undefined;
  if (open) return open(path!, clock);
  throw new InvalidInput('store', [
    {
      field: 'address',
      problem: `the drivers are ${Object.keys(DRIVERS).join(', ')}; write e.g. sqlite:/data/store.sqlite`,
    },
  ]);
}
