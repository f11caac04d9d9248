import { startLocalServer } from '../cli/local/local-server.ts';
import { readConfig } from '../shared/config.ts';
import { silentLog } from '../shared/log.ts';
import { markdownTable } from './statistics.ts';
import { ROOT, type Workspace } from './workspace.ts';

const SECONDS = 3;

/** Predictions a second through the local server: gateway, worker process, Express, resolution, prediction, write-back. */
export async function httpThroughput(space: Workspace): Promise<string> {
  const config = readConfig({ MODELFN_HOME: space.home, PORT: '0', MODELFN_LOG_LEVEL: 'error' });
  const server = await startLocalServer({ config, platform: space.platform, root: ROOT, log: silentLog });
  const url = `${server.url}/api/v1/functions/predict`;
  const rows: string[][] = [];
  try {
    for (const [items, clients] of [
      [1, 1],
      [1, 4],
      [100, 1],
      [100, 2],
    ] as const)
      rows.push([String(items), String(clients), (await rate(space, url, items, clients)).toFixed(0)]);
  } finally {
    await server.close();
  }
  return [
    '## Predictions over HTTP',
    `Items predicted and written back a second, over ${SECONDS} s each after a warm-up; server and clients share the machine. Two worker processes a function.`,
    markdownTable(['items a request', 'clients', 'predictions a second'], rows),
  ].join('\n\n');
}

async function rate(space: Workspace, url: string, itemsEach: number, clients: number): Promise<number> {
  let next = 0;
  let predicted = 0;
  const request = async (): Promise<void> => {
    const ids = Array.from({ length: itemsEach }, () => space.testItems[next++ % space.testItems.length]!.id);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: { snapshot: { snapshot_id: space.snapshotId }, items: ids } }),
    });
    const answer = (await response.json()) as { output?: { items: number } };
    if (answer.output === undefined) throw new Error(JSON.stringify(answer));
    predicted += answer.output.items;
  };
  for (let warm = 0; warm < 4 * clients; warm += 1) await request();
  predicted = 0;
  const started = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - started < SECONDS * 1000) await request();
  };
  await Promise.all(Array.from({ length: clients }, client));
  return predicted / ((performance.now() - started) / 1000);
}
