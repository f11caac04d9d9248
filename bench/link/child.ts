import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A server in a process of its own, so that it has a core of its own. */
export interface ServerProcess {
  port: number;
  origin: string;
  close(): Promise<void>;
}

/** Starts a script of this folder that sends `{ port }` once it listens. */
export async function startServer(script: string, ...args: (string | number)[]): Promise<ServerProcess> {
  const child = fork(join(import.meta.dirname, '..', script), args.map(String));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    close: async () => {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
