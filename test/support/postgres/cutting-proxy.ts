import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { readPostgresAddress } from '../../../shared/store/postgres-address.ts';

/** What a network may do to a commit: lose it on its way, or lose the answer to it. */
export type Cut = 'before' | 'after';

export interface CuttingProxy {
  /** The server behind it, as a client reaches it through the proxy. */
  address: string;
  /** From now on so many commits are cut off, each with its connection. */
  cut(way: Cut, times: number): void;
  cuts(): number;
  stop(): Promise<void>;
}

/** A way to a server that breaks where it hurts most. */
export async function startCuttingProxy(address: string): Promise<CuttingProxy> {
  const { host, port, user, password, database } = readPostgresAddress(address).connection;
  const target = host!.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host: host!, port: port! };
  let left = 0;
  let done = 0;
  let way: Cut = 'before';
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    let isCut = false;
    client.on('data', (bytes) => {
      isCut = left > 0 && bytes.includes('commit\0');
      if (isCut) {
        left -= 1;
        done += 1;
      }
      if (isCut && way === 'before') upstream.destroy();
      else upstream.write(bytes);
    });
    // The answer tells that the commit is done.
    upstream.on('data', (bytes) => (isCut ? client.destroy() : client.write(bytes)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as { port: number };
  return {
    address: `postgres://${encodeURIComponent(String(user))}:${encodeURIComponent(String(password ?? ''))}@127.0.0.1:${own}/${database}`,
    cut: (next, times) => {
      way = next;
      left = times;
      done = 0;
    },
    cuts: () => done,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
