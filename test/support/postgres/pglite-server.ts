import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import type { PostgresServer } from './postgres-server.ts';

const SSL_REQUEST = 80_877_103;
const HEADER = 5;
/** What a client waits for before it asks: it is known, its texts are UTF-8, the server is ready. */
const WELCOME = Buffer.concat([
  message('R', Buffer.from([0, 0, 0, 0])),
  message('S', Buffer.from('client_encoding\0UTF8\0')),
  message('K', Buffer.alloc(8)),
  message('Z', Buffer.from('I')),
]);
const ROLLBACK = message('Q', Buffer.from('rollback\0'));

/**
 * PostgreSQL compiled to WebAssembly, in this process, behind a socket: what it says and understands is the real thing.
 * It has one session a database, so that a client waits until the transaction of another one is over.
 */
export async function startPglite(): Promise<PostgresServer> {
  const databases = new Map<string, Session>();
  const server = createServer((socket) => serve(socket, databases).catch(() => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    what: 'PGlite, which serves one client at a time: what clients do to each other is not tested',
    isConcurrent: false,
    addressOf: (database) => `postgres://modelfn@127.0.0.1:${port}/${database}`,
    create: async (database) => {
      databases.set(database, new Session(await PGlite.create()));
    },
    drop: async (database) => {
      await databases.get(database)?.close();
      databases.delete(database);
    },
    stop: async () => {
      server.close();
      await Promise.all([...databases.values()].map((session) => session.close()));
    },
  };
}

/** The one session of a database, lent to a client until it is in no transaction. */
class Session {
  readonly #database: PGlite;
  #free: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;
  #owner: Socket | undefined;

  constructor(database: PGlite) {
    this.#database = database;
  }

  async ask(client: Socket, question: Buffer): Promise<Uint8Array> {
    if (this.#owner !== client) {
      const before = this.#free;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#free = promise;
      await before;
      this.#owner = client;
      this.#release = resolve;
    }
    const answer = await this.#database.execProtocolRaw(question);
    // The last message tells that the server is ready, and whether a transaction is open.
    if (answer.at(-1) === 'I'.charCodeAt(0)) this.#leave();
    return answer;
  }

  async end(client: Socket): Promise<void> {
    if (this.#owner !== client) return;
    await this.#database.execProtocolRaw(ROLLBACK);
    this.#leave();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #leave(): void {
    this.#owner = undefined;
    this.#release?.();
  }
}

async function serve(socket: Socket, databases: ReadonlyMap<string, Session>): Promise<void> {
  let session: Session | undefined;
  let rest = Buffer.alloc(0);
  let question: Buffer[] = [];
  try {
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, bytes]);
      for (let length = lengthOf(rest, !session); length !== undefined; length = lengthOf(rest, !session)) {
        const part = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (!session) {
          if (part.readUInt32BE(4) === SSL_REQUEST) socket.write('N');
          else {
            session = databases.get(databaseOf(part));
            if (!session) throw new Error('there is no such database');
            socket.write(WELCOME);
          }
          continue;
        }
        const type = String.fromCharCode(part[0]!);
        if (type === 'X') return;
        question.push(part);
        // A question is whole when the client waits for the answer.
        if (type !== 'Q' && type !== 'S') continue;
        const asked = Buffer.concat(question);
        question = [];
        socket.write(await session.ask(socket, asked));
      }
    }
  } finally {
    await session?.end(socket);
    socket.destroy();
  }
}

/** Length of the first message, once all of it is there. The very first ones have no type. */
function lengthOf(bytes: Buffer, isGreeting: boolean): number | undefined {
  if (bytes.length < HEADER) return undefined;
  const length = isGreeting ? bytes.readUInt32BE(0) : bytes.readUInt32BE(1) + 1;
  return bytes.length >= length ? length : undefined;
}

function databaseOf(greeting: Buffer): string {
  const parts = greeting.subarray(8).toString().split('\0');
  return parts[parts.indexOf('database') + 1] ?? '';
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.write(type);
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}
