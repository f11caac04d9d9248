import type { Clock } from '../clock.ts';
import { InvalidInput } from '../errors.ts';
import type { EntityStore } from './entity-store.ts';
import type { ReportUnreadable } from './unreadable.ts';

/** Where a store is: an address `sqlite:<path>` or `postgres://<user>:<password>@<host>/<database>`. */
export interface StoreOptions {
  address: string;
  /** What an embedded store tells its time by; a server goes by its own. */
  clock?: Clock;
  /** Told about stored documents that cannot be read. */
  onUnreadable?: ReportUnreadable;
  /** Time of one query, for a process that answers many callers. Default: the driver's own. */
  queryLimitMs?: number | undefined;
}

/** A driver is loaded when it is asked for: a bundle's start does not pay for the others. */
const DRIVERS: Readonly<Record<string, (options: StoreOptions) => Promise<EntityStore>>> = {
  sqlite: async ({ address, ...rest }) => {
    const { openSqliteStore } = await import('./sqlite.ts');
    return openSqliteStore({ path: address.slice('sqlite:'.length), ...rest });
  },
  postgres: openPostgres,
  postgresql: openPostgres,
};

async function openPostgres({ clock: _own, ...options }: StoreOptions): Promise<EntityStore> {
  const { openPostgresStore } = await import('./postgres.ts');
  return openPostgresStore(options);
}

/** Opens the store at an address. @throws InvalidInput for a driver that is not there, and the driver's own codes */
export async function openStore(options: StoreOptions): Promise<EntityStore> {
  const [, scheme] = /^([a-z]+):/.exec(options.address) ?? [];
  const open = scheme !== undefined && Object.hasOwn(DRIVERS, scheme) ? DRIVERS[scheme] : undefined;
  if (open) return open(options);
  throw new InvalidInput('store', [
    {
      field: 'address',
      problem: `the drivers are ${Object.keys(DRIVERS).join(', ')}; write e.g. sqlite:/data/store.sqlite or postgres://user:password@host/database`,
    },
  ]);
}
