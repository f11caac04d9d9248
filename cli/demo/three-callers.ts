import { digestOf } from '../../shared/annotations/predictions.ts';
import { predictionsOf } from '../../shared/annotations/write-predictions.ts';
import type { Annotation } from '../../shared/entities/annotation.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import type { FunctionHost } from '../local/function-host.ts';
import type { ApiClient } from './api-client.ts';
import type { DemoReport } from './report.ts';
import { until } from './until.ts';

/** What the three ways to call a function work with. */
export interface CallerContext {
  platform: Platform;
  api: ApiClient;
  host: FunctionHost;
  projectId: string;
  datasetId: string;
  snapshotId: string;
  testItemIds: readonly string[];
}

const TEST_ITEMS: JsonObject = { 'metadata.system.snapshotPartition': 'test' };

/** Predicts the test items once over HTTP, once by events and once as a pipeline's node; before each, what the last one wrote is deleted. */
export async function predictByAllCallers(context: CallerContext): Promise<DemoReport['callers']> {
  return {
    http: await measured(context, () => overHttp(context)),
    event: await measured(context, () => byEvents(context)),
    pipeline: await measured(context, () => asPipelineNode(context)),
  };
}

async function overHttp({ api, datasetId, snapshotId }: CallerContext): Promise<void> {
  await api.post('/functions/predict', {
    inputs: { snapshot: { snapshot_id: snapshotId }, items: { dataset: datasetId, filter: TEST_ITEMS } },
  });
}

/** Subscribes predict to changes of the test items, changes them, and waits until every event was dealt with. */
async function byEvents({ platform, api, projectId, datasetId, snapshotId }: CallerContext): Promise<void> {
  const trigger = await api.post('/triggers', {
    name: 'predict changed test items',
    projectId,
    spec: {
      resource: 'Item',
      actions: ['Updated'],
      executionMode: 'Always',
      filter: { $and: [TEST_ITEMS] },
      input: { snapshot: { snapshot_id: snapshotId } },
      operation: { type: 'function', functionName: 'predict' },
    },
  });
  try {
    await api.post(`/datasets/${datasetId}/query`, {
      resource: 'items',
      filter: TEST_ITEMS,
      update: { metadata: { user: { demo: { changed: platform.clock.now() } } } },
    });
    await until(async () => (await platform.store.readEvents(1)).length === 0);
  } finally {
    await api.delete(`/triggers/${String(trigger.id)}`);
  }
}

async function asPipelineNode({ host, platform, datasetId, snapshotId }: CallerContext): Promise<void> {
  await host.invoke('predict', {
    function: 'predict',
    inputs: { snapshot: { snapshot_id: snapshotId }, items: { dataset: datasetId, filter: TEST_ITEMS } },
    context: { pipelineExecutionId: platform.ids.objectId(), nodeId: 'predict' },
  });
}

async function measured(
  context: CallerContext,
  call: () => Promise<void>,
): Promise<DemoReport['callers']['http']> {
  const { api, datasetId, snapshotId } = context;
  await api.post(`/datasets/${datasetId}/query`, {
    resource: 'annotations',
    filter: { 'metadata.user.model.snapshot_id': snapshotId },
    delete: true,
  });
  const started = performance.now();
  await call();
  const milliseconds = performance.now() - started;
  const annotations = await written(context);
  return { digest: digestOf(annotations), annotations: annotations.length, milliseconds };
}

async function written({ platform, snapshotId, testItemIds }: CallerContext): Promise<Annotation[]> {
  return [...(await predictionsOf(platform.store, snapshotId, testItemIds)).values()];
}
