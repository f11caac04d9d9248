import pg from 'pg';
import type { PostgresAddress } from './postgres-address.ts';
import { isNotYet, PostgresFailure } from './postgres-errors.ts';
import type { Compiled } from './sql-dialect.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Time of one statement; the server stops it then. */
export const STATEMENT_TIMEOUT_MS = 30_000;
/** A little later than the server's own: then nothing comes from it any more. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** To compile a condition takes longer than to try it on the rows there are. */
const SETTINGS = `set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set jit = off`;
const PING_TIMEOUT_MS = 2_000;
/** A server that starts, or has no room for one more, is asked again for so long. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 100;

/** What `pg` has and its types leave out. */
type Client = pg.Client & { ref(): void; unref(): void };

/** One connection. Statements sent without waiting run in their order, and share the way there and back. */
export class PostgresConnection {
  readonly #client: Client;
  #isBroken = false;

  constructor(client: Client) {
    this.#client = client;
    // Without a listener the loss of an idle connection would end the process; whoever uses it hears of it.
    client.on('error', () => {
      this.#isBroken = true;
    });
    client.on('end', () => {
      this.#isBroken = true;
    });
  }

  /** True once it is known to be gone. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** @throws PostgresFailure, as the others */
  async rows<Row>({ sql, parameters }: Compiled): Promise<Row[]> {
    const { rows } = await this.#ask({ text: sql, values: [...parameters] });
    return rows as Row[];
  }

  /** Answers the number of rows changed. */
  async run({ sql, parameters }: Compiled): Promise<number> {
    const { rowCount } = await this.#ask({ text: sql, values: [...parameters] });
    return rowCount ?? 0;
  }

  /** Runs statements without parameters in one go; answers what the last one does, and its rows. */
  async script(sql: string): Promise<{ command: string; rows: unknown[] }> {
    const results: unknown = await this.#ask({ text: sql });
    return (Array.isArray(results) ? results.at(-1) : results) as { command: string; rows: unknown[] };
  }

  /** True when the server answers soon: a container that was frozen has connections that nobody told of their end. */
  async answers(): Promise<boolean> {
    try {
      await this.#client.query({ text: 'select 1', query_timeout: PING_TIMEOUT_MS } as pg.QueryConfig);
      return true;
    } catch {
      return false;
    }
  }

  /** While nothing is asked of it, it keeps no process alive. */
  rest(): void {
    this.#client.unref();
  }

  wake(): void {
    this.#client.ref();
  }

  /** Says goodbye; to one that is broken there is nobody to say it to. */
  async close(): Promise<void> {
    const wasBroken = this.#isBroken;
    this.#isBroken = true;
    this.wake();
    const ended = this.#client.end().catch(() => {});
    if (!wasBroken) await ended;
  }

  async #ask(query: pg.QueryConfig): Promise<pg.QueryResult> {
    try {
      return await this.#client.query(query);
    } catch (error) {
      throw new PostgresFailure(error);
    }
  }
}

/** @throws PostgresFailure */
export async function connectTo({ connection }: PostgresAddress): Promise<PostgresConnection> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const client = new pg.Client({
      ...connection,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
      pipeline: true,
    }) as Client;
    const opened = new PostgresConnection(client);
    try {
      await client.connect();
      // Not waited for: they hold for what is sent behind them. As parameters of the connection a pooler would refuse them.
      opened.script(SETTINGS).catch(() => {});
      return opened;
    } catch (cause) {
      void opened.close();
      const error = new PostgresFailure(cause);
      if (!isNotYet(error) || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
