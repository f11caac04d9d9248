import { setTimeout } from 'node:timers/promises';
import { startLocalServer } from '../cli/local/local-server.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { uploadItems } from '../shared/catalog/item-import.ts';
import { createTrigger, deleteTrigger } from '../shared/catalog/triggers.ts';
import { readConfig } from '../shared/config.ts';
import { silentLog } from '../shared/log.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';
import { ROOT, type Workspace } from './workspace.ts';

const WORKERS = [1, 4, 8];
const ROUNDS = 3;
const ITEMS = 400;
const LOOK_EVERY_MS = 5;

/** Items a second from upload to annotation: outbox, delivery, worker processes, prediction, write-back. */
export async function events(space: Workspace): Promise<string> {
  const rates = new Map(WORKERS.map((workers) => [workers, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const workers of WORKERS)
      rates.get(workers)!.push(await rate(space, workers, `${round}-${workers}`));
  return [
    '## From upload to annotation',
    `Items a second, median of ${ROUNDS} interleaved rounds and middle half: ${ITEMS} images are uploaded at once, a trigger has each predicted, and the time ends with the last annotation. Worker processes are started before. They share the machine's cores with the upload.`,
    markdownTable(
      ['worker processes', 'items a second'],
      [...rates].map(([workers, each]) => [String(workers), shown(spreadOf(each), 0)]),
    ),
  ].join('\n\n');
}

async function rate(space: Workspace, workers: number, name: string): Promise<number> {
  const config = readConfig({
    MODELFN_HOME: space.home,
    PORT: '0',
    MODELFN_LOG_LEVEL: 'error',
    MODELFN_WORKERS: String(workers),
  });
  const { platform } = space;
  const snapshot = (await platform.store.get('Snapshot', space.snapshotId))!;
  const trigger = await createTrigger(platform, LOCAL_ACTOR, {
    name: `bench ${name}`,
    projectId: snapshot.projectId,
    spec: {
      resource: 'Item',
      actions: ['Created'],
      filter: { dir: `/bench-${name}` },
      input: { snapshot: { snapshot_id: snapshot.id } },
      operation: { type: 'function', functionName: 'predict' },
    },
  });
  const server = await startLocalServer({ config, platform, root: ROOT, log: silentLog });
  try {
    // So many batches at once start every process.
    await uploadAndWait(space, trigger.id, name, 0, 20 * workers);
    const started = performance.now();
    await uploadAndWait(space, trigger.id, name, 20 * workers, ITEMS);
    return ITEMS / ((performance.now() - started) / 1000);
  } finally {
    await server.close();
    await deleteTrigger(platform, LOCAL_ACTOR, trigger.id);
  }
}

async function uploadAndWait(
  { platform, datasetId, testItems }: Workspace,
  triggerId: string,
  name: string,
  from: number,
  count: number,
): Promise<void> {
  const images = testItems.slice(0, 50).map((item) => platform.content.bytes(item.content!));
  const bytes = await Promise.all(images);
  const entries = Array.from({ length: count }, (_, index) => ({
    path: `/bench-${name}/${from + index}.png`,
    bytes: bytes[index % bytes.length]!,
  }));
  await uploadItems(platform, LOCAL_ACTOR, datasetId, entries, { mode: 'skip' });
  const done = { $and: [{ triggerId: { $eq: triggerId } }, { 'latestStatus.status': 'success' }] };
  while ((await platform.store.count('Execution', { filter: done })) < from + count)
    await setTimeout(LOOK_EVERY_MS);
}
