import type { PostgresConnection } from './postgres-connection.ts';

/** A connection that rested longer is asked whether it is still there. */
const FRESH_MS = 10_000;

interface Waiting {
  resolve: (connection: PostgresConnection) => void;
  reject: (error: unknown) => void;
}

/** Few connections, opened when they are needed; who finds none free waits for the next, in order. */
export class PostgresPool {
  readonly #open: () => Promise<PostgresConnection>;
  readonly #size: number;
  readonly #idle: { connection: PostgresConnection; since: number }[] = [];
  readonly #waiting: Waiting[] = [];
  /** Open, or about to be. */
  #count = 0;
  #opening = 0;

  constructor(open: () => Promise<PostgresConnection>, size: number) {
    this.#open = open;
    this.#size = size;
  }

  /** Gives a connection to `work` for as long as it takes. One that is broken by then is not used again. */
  async use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    try {
      return await work(connection);
    } finally {
      this.#give(connection);
    }
  }

  /** Closes what is idle; nothing may be in use any more. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ connection }) => connection.close()));
  }

  async #take(): Promise<PostgresConnection> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      idle.connection.wake();
      if (await isUsable(idle)) return idle.connection;
      this.#drop(idle.connection);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#openOne();
    });
  }

  /** For whoever waits the longest by then. */
  #openOne(): void {
    if (this.#count >= this.#size || this.#opening >= this.#waiting.length) return;
    this.#count += 1;
    this.#opening += 1;
    this.#open().then(
      (connection) => {
        this.#opening -= 1;
        this.#give(connection);
      },
      (error: unknown) => {
        this.#opening -= 1;
        this.#count -= 1;
        this.#waiting.shift()?.reject(error);
      },
    );
  }

  #give(connection: PostgresConnection): void {
    if (connection.isBroken) {
      this.#drop(connection);
      return;
    }
    const next = this.#waiting.shift();
    if (next) {
      next.resolve(connection);
      return;
    }
    connection.rest();
    this.#idle.push({ connection, since: performance.now() });
  }

  #drop(connection: PostgresConnection): void {
    this.#count -= 1;
    void connection.close();
    this.#openOne();
  }
}

async function isUsable({ connection, since }: { connection: PostgresConnection; since: number }) {
  if (connection.isBroken) return false;
  return performance.now() - since < FRESH_MS || (await connection.answers());
}
