import pg from 'pg';
import { startPglite } from './pglite-server.ts';
import { startPostgresProgram } from './postgres-program.ts';

/** A PostgreSQL that a test may fill with databases. */
export interface PostgresServer {
  /** What it is, for whoever reads the report. */
  readonly what: string;
  /** False for one that serves its clients one after the other. */
  readonly isConcurrent: boolean;
  addressOf(database: string): string;
  create(database: string): Promise<void>;
  drop(database: string): Promise<void>;
  stop(): Promise<void>;
}

/** Says that PGlite is to be used although there is another server. */
const PGLITE = 'pglite';

/**
 * The server of `TEST_POSTGRES_URL`, whose user may make databases; else one of one's own, where PostgreSQL is
 * installed; else PGlite. Tells which.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const wanted = process.env.TEST_POSTGRES_URL;
  const given = wanted === undefined || wanted === PGLITE ? undefined : givenServer(wanted);
  const own = given || wanted === PGLITE ? undefined : await startPostgresProgram();
  const server = given ?? own ?? (await startPglite());
  console.log(`stores in PostgreSQL: ${server.what}`);
  return server;
}

function givenServer(address: string): PostgresServer {
  const addressOf = (database: string): string => {
    const url = new URL(address);
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    what: 'the server of TEST_POSTGRES_URL',
    isConcurrent: true,
    addressOf,
    ...databasesBy(addressOf('postgres')),
    stop: async () => {},
  };
}

/** Makes and takes away databases by SQL. */
export function databasesBy(administration: string): Pick<PostgresServer, 'create' | 'drop'> {
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client(administration);
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  return {
    create: (database) => run(`create database ${database} template template0 encoding 'UTF8'`),
    drop: (database) => run(`drop database ${database} with (force)`),
  };
}

/** An empty database, and a connection of one's own to it. */
export interface TestDatabase {
  readonly address: string;
  ask(sql: string): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

let databases = 0;

export async function makeDatabase(server: PostgresServer): Promise<TestDatabase> {
  databases += 1;
  const name = `modelfn_test_${process.pid}_${Date.now()}_${databases}`;
  await server.create(name);
  const address = server.addressOf(name);
  const client = new pg.Client(address);
  await client.connect();
  return {
    address,
    ask: async (sql) => (await client.query(sql)).rows as Record<string, unknown>[],
    drop: async () => {
      await client.end();
      await server.drop(name);
    },
  };
}
