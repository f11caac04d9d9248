import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtInAdapters } from '../adapters/registry.ts';
import { prepareEntities } from '../cli/demo/demo-entities.ts';
import { buildFunctions } from '../cli/local/build.ts';
import { trainFunction } from '../functions/train/train.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { readConfig } from '../shared/config.ts';
import type { Item } from '../shared/entities/item.ts';
import { createContainer } from '../shared/invoke/handler.ts';
import { invoke } from '../shared/invoke/invoke.ts';
import type { Container } from '../shared/invoke/run.ts';
import { openPlatform } from '../shared/open-platform.ts';
import type { Platform } from '../shared/platform.ts';

export const ROOT = join(import.meta.dirname, '..');

/** Trained digits, built functions, and the weights and one item as plain files for bare scripts. */
export interface Workspace {
  home: string;
  platform: Platform;
  container: Container;
  snapshotId: string;
  datasetId: string;
  testItems: Item[];
  /** Folder with the weights as the adapter saved them. */
  weights: string;
  /** The first test item as a PNG file. */
  image: string;
  close(): Promise<void>;
}

export async function openWorkspace(): Promise<Workspace> {
  await buildFunctions({ root: ROOT, outdir: join(ROOT, 'dist') });
  const home = await mkdtemp(join(tmpdir(), 'modelfn-bench-'));
  const platform = await openPlatform(readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'error' }));
  const container = createContainer(platform, builtInAdapters);
  const { dataset, snapshot } = await prepareEntities(platform, () => undefined);
  const trained = await invoke(container, trainFunction, {
    functionName: 'train',
    input: { snapshot: snapshot.id },
    caller: 'cli',
    actor: LOCAL_ACTOR,
  });
  if (trained.output === undefined) throw trained.error;
  const { items } = await platform.store.query('Item', {
    filter: { 'metadata.system.snapshotPartition': 'test' },
    scope: { datasetId: dataset.id },
  });
  const current = (await platform.store.get('Snapshot', snapshot.id))!;
  const fetched = await container.loaded.fetch({
    bucket: current.bucket,
    owner: current,
    weights: current.weights,
  });
  const weights = join(home, 'plain-weights');
  await cp(fetched.directory, weights, { recursive: true });
  fetched.release();
  const image = join(home, 'plain.png');
  await writeFile(image, await platform.content.bytes(items[0]!.content!));
  return {
    home,
    platform,
    container,
    snapshotId: snapshot.id,
    datasetId: dataset.id,
    testItems: items,
    weights,
    image,
    close: async () => {
      await platform.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
