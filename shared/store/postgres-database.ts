import { StoreCorrupt, StoreTooNew, StoreUnavailable } from './errors.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { isMissingTable } from './postgres-errors.ts';
import { MIGRATIONS, type Migration } from './postgres-schema.ts';

/** Whoever migrates holds this lock of the database; any number that no other program takes. */
const MIGRATION_LOCK = '7236837121509416';
const OLDEST_SERVER = 13_00_00;
const ANOTHER_DATABASE = 'Name an empty database in MODELFN_STORE.';

/**
 * Brings the schema up to date, once, however many processes start at the same time. Costs one query when it is.
 * @throws StoreTooNew, StoreCorrupt, StoreUnavailable; what the server says
 */
export async function migrate(
  connection: PostgresConnection,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  if ((await versionOf(connection, migrations.length)) === migrations.length) return;
  await assertUsable(connection);
  await connection.script(`begin; select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  try {
    await connection.script(
      'create table if not exists schema_version (version integer not null, one boolean primary key default true check (one))',
    );
    // Read again: another process may have migrated while this one waited.
    const version = (await versionOf(connection, migrations.length)) ?? 0;
    for (const statements of migrations.slice(version))
      for (const statement of statements) await connection.script(statement);
    await connection.script(
      `insert into schema_version (version) values (${migrations.length})
        on conflict (one) do update set version = excluded.version`,
    );
    await connection.script('commit');
  } catch (error) {
    await connection.script('rollback').catch(() => connection.close());
    throw error;
  }
}

/** `undefined` for a database that was never a store. */
async function versionOf(connection: PostgresConnection, known: number): Promise<number | undefined> {
  try {
    const { rows } = await connection.script('select version from schema_version');
    const [row] = rows as { version: number }[];
    if (row && row.version > known) throw new StoreTooNew(row.version, known);
    return row?.version;
  } catch (error) {
    if (isMissingTable(error)) return undefined;
    throw error;
  }
}

async function assertUsable(connection: PostgresConnection): Promise<void> {
  const { rows } = await connection.script(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
      pg_is_in_recovery() as standby`,
  );
  const [{ version, encoding, standby }] = rows as [{ version: number; encoding: string; standby: boolean }];
  if (version < OLDEST_SERVER)
    throw new StoreCorrupt(new Error('the server is older than PostgreSQL 13'), 'Use a newer server.');
  if (encoding !== 'UTF8')
    throw new StoreCorrupt(
      new Error(`the database keeps texts as ${encoding}, not as UTF8`),
      ANOTHER_DATABASE,
    );
  if (standby)
    throw new StoreUnavailable(
      new Error('the server is a standby'),
      'MODELFN_STORE is to name the primary server.',
    );
}
