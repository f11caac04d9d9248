import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createSnapshot, updateSnapshot } from '../../../shared/catalog/snapshots.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import { readConfig } from '../../../shared/config.ts';
import type { Item } from '../../../shared/entities/item.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import { openPlatform } from '../../../shared/open-platform.ts';
import type { Platform } from '../../../shared/platform.ts';
import type { OutboxEntry } from '../../../shared/store/entity-store.ts';
import { runInPlace } from '../run-function.ts';
import { parityAdapters } from './parity-adapter.ts';

/** How often the first and the second revision of the snapshot say what they have to say of an item. */
export const TIMES = { first: 3, second: 2 } as const;

/** The environment of every process that works on the space. */
export function environmentOf(home: string, store: string): Record<string, string> {
  return {
    MODELFN_HOME: home,
    MODELFN_STORE: store,
    MODELFN_LOG_LEVEL: 'error',
    MODELFN_LEASE_SECONDS: '2',
  };
}

/** Numbers that a trigger has predicted when they are uploaded, and the events of their upload, not delivered yet. */
export interface ParitySpace {
  platform: Platform;
  triggerId: string;
  items: Item[];
  uploads: OutboxEntry[];
}

/**
 * Uploads `count` numbers into the store at the address. Every second one has predictions of the snapshot's first revision already, which those of
 * the second, current one are to replace.
 */
export async function openParitySpace(home: string, store: string, count: number): Promise<ParitySpace> {
  const platform = await openPlatform(readConfig(environmentOf(home, store)));
  const container = createContainer(platform, parityAdapters);
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'parity' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'numbers', projects: [project.id] });
  const examples = [0, 1].map((x) => ({
    path: `/train/${x}.json`,
    bytes: encode({ x }),
    label: x === 0 ? 'even' : 'odd',
    partition: 'train' as const,
  }));
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, examples, { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'parity',
    projectId: project.id,
    entryPoint: 'modelfn/parity',
    className: 'ParityAdapter',
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'current',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
  });
  const train = async (times: number) => {
    await updateSnapshot(platform, LOCAL_ACTOR, snapshot.id, { configuration: { times } });
    await runInPlace(container, trainFunction, { snapshot: snapshot.id });
  };
  await train(TIMES.first);
  await takeAll(platform);

  const numbers = Array.from({ length: count }, (_, x) => ({
    path: `/numbers/${x}.json`,
    bytes: encode({ x }),
  }));
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, numbers, { mode: 'skip' });
  const uploads = await takeAll(platform);
  const { items } = await platform.store.query('Item', {
    filter: { $and: [{ dir: '/numbers' }, { type: 'file' }] },
    scope: { datasetId: dataset.id },
    pageSize: 10_000,
  });
  const predicted = items.filter((_, index) => index % 2 === 0).map(({ id }) => id);
  await runInPlace(container, predictFunction, { snapshot: snapshot.id, items: predicted });
  await train(TIMES.second);
  const trigger = await createTrigger(platform, LOCAL_ACTOR, {
    name: 'predict what comes',
    projectId: project.id,
    spec: {
      resource: 'Item',
      actions: ['Created'],
      filter: {},
      input: { snapshot: { snapshot_id: snapshot.id } },
      operation: { type: 'function', functionName: 'predict' },
    },
  });
  await takeAll(platform);
  return { platform, triggerId: trigger.id, items, uploads };
}

/** Empties the outbox and answers what was in it. */
export async function takeAll(platform: Platform): Promise<OutboxEntry[]> {
  const entries = await platform.store.readEvents(1_000_000);
  await platform.store.removeEvents(entries.map(({ sequence }) => sequence));
  return entries;
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
