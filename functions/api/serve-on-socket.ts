import { rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';

/** Serves an app on a Unix socket. A socket left there by a dead process is replaced. */
export async function serveOnSocket(app: RequestListener, socketPath: string): Promise<Server> {
  const server = createServer(app);
  // An upload takes as long as it takes; whoever stands in front of the socket watches over slow clients.
  server.requestTimeout = 0;
  await rm(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return server;
}
