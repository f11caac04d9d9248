import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface GcsEmulator {
  origin: string;
  stop(): Promise<void>;
}

/** Starts a `fake-gcs-server` that keeps its objects in memory, and makes one bucket in it. */
export async function startGcsEmulator(binary: string, bucketName: string): Promise<GcsEmulator> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const options = [
    '-scheme=http',
    '-host=127.0.0.1',
    `-port=${port}`,
    '-backend=memory',
    `-external-url=${origin}`,
  ];
  const process = spawn(binary, options, { stdio: ['ignore', 'ignore', 'pipe'] });
  await listening(process);
  const made = await fetch(`${origin}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucketName }),
  });
  if (!made.ok) throw new Error(`the emulator made no bucket: ${made.status} ${await made.text()}`);
  return {
    origin,
    stop: async () => {
      if (process.exitCode !== null) return;
      const ended = once(process, 'exit');
      process.kill();
      await ended;
    },
  };
}

/** It logs a line when it listens. */
async function listening(process: ChildProcess): Promise<void> {
  let log = '';
  for await (const chunk of process.stderr!.iterator({ destroyOnReturn: false })) {
    log += String(chunk);
    if (log.includes('server started')) {
      process.stderr!.resume();
      return;
    }
  }
  throw new Error(`the emulator ended before it listened: ${log}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
