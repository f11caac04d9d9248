import { join } from 'node:path';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import type { CliIo } from '../io.ts';
import type { LocalServer } from '../local/local-server.ts';
import { progressBar } from '../output/progress-bar.ts';
import { type ApiClient, ApiRefused, apiClient } from './api-client.ts';
import { measureCalls } from './cold-and-warm.ts';
import { type DemoEntities, prepareEntities } from './demo-entities.ts';
import { type DemoReport, readReport, writeReport } from './report.ts';
import { predictByAllCallers } from './three-callers.ts';
import { until } from './until.ts';

/** The demo's report, and whether the work was done now. */
export interface DemoResult {
  report: DemoReport;
  entities: DemoEntities;
  isFresh: boolean;
}

/**
 * The main job on real digits: import, train, load, predict through all three callers, evaluate. What an earlier start
 * did is not done again: each step looks whether its result is there.
 */
export async function runDemo(
  platform: Platform,
  server: LocalServer,
  io: CliIo,
  say: (line: string) => void,
): Promise<DemoResult> {
  const api = apiClient(`${server.url}/api/v1`);
  const importing = progressBar(io, 'import');
  const prepared = await prepareEntities(platform, (done, total) =>
    importing.update(done / total, `${done} digits`),
  );
  importing.end();
  say(
    `project ${prepared.project.name}, dataset ${prepared.dataset.name}, model ${prepared.model.name}, snapshot ${prepared.snapshot.name}`,
  );
  const file = join(platform.config.home, 'demo', 'report.json');
  const known = await readReport(file, prepared.snapshot);
  if (known) {
    say('everything was done by an earlier start; this is what it found');
    return { report: known, entities: prepared, isFresh: false };
  }
  const started = performance.now();
  const trained = await train(platform, api, prepared.snapshot, io, say);
  const trainMs = performance.now() - started;
  const entities = { ...prepared, snapshot: trained };
  const report = await measure(platform, server, api, entities, trainMs, say);
  await writeReport(file, report);
  return { report, entities, isFresh: true };
}

/** Trains over HTTP as any client does: 202, then the execution is looked at until it ended. */
async function train(
  platform: Platform,
  api: ApiClient,
  snapshot: Snapshot,
  io: CliIo,
  say: (line: string) => void,
): Promise<Snapshot> {
  if (snapshot.revision > 0) return snapshot;
  const bar = progressBar(io, 'train');
  const { executionId } = await api.post('/functions/train', {
    inputs: { snapshot: { snapshot_id: snapshot.id } },
  });
  const path = `/executions/${String(executionId)}`;
  try {
    await until(async () => {
      const { latestStatus, error } = await api.get(path);
      const { status, percentComplete, message } = latestStatus as JsonObject;
      bar.update(Number(percentComplete ?? 0) / 100, typeof message === 'string' ? message : '');
      if (status === 'failed') throw new ApiRefused('GET', path, 200, error ?? null);
      return status === 'success';
    });
  } finally {
    bar.end();
  }
  const trained = (await platform.store.get('Snapshot', snapshot.id))!;
  say(`trained: snapshot ${trained.name} is at revision ${trained.revision}`);
  return trained;
}

async function measure(
  platform: Platform,
  server: LocalServer,
  api: ApiClient,
  { project, dataset, snapshot }: DemoEntities,
  trainMs: number,
  say: (line: string) => void,
): Promise<DemoReport> {
  const test = await platform.store.query('Item', {
    filter: { 'metadata.system.snapshotPartition': 'test' },
    scope: { datasetId: dataset.id },
    pageSize: 10_000,
  });
  const testItemIds = test.items.map(({ id }) => id);
  const inputs = { snapshot: { snapshot_id: snapshot.id } };
  const loaded = (await server.host.invoke('load', { inputs })) as JsonObject;
  say(
    `loaded in a fresh process: ${(loaded.files as JsonObject[]).length} files, ${String(loaded.sizeBytes)} bytes, every one verified`,
  );
  const { coldMs, warmMs } = await measureCalls(platform, snapshot.id, testItemIds);
  const context = {
    platform,
    api,
    host: server.host,
    projectId: project.id,
    datasetId: dataset.id,
    snapshotId: snapshot.id,
    testItemIds,
  };
  const callers = await predictByAllCallers(context);
  say(`predicted ${testItemIds.length} test items over HTTP, by events and as a pipeline's node`);
  const evaluation = (await server.host.invoke('evaluate', {
    inputs: { ...inputs, partition: 'test' },
  })) as JsonObject;
  const metrics = evaluation.metrics as Record<string, number>;
  const supportVectors = await latestMetric(platform, snapshot.id, 'support vectors', 'total');
  return {
    project: project.id,
    dataset: {
      id: dataset.id,
      items: await platform.store.count('Item', {
        filter: { type: 'file' },
        scope: { datasetId: dataset.id },
      }),
    },
    snapshot: {
      id: snapshot.id,
      name: snapshot.name,
      revision: snapshot.revision,
      manifestSha256: snapshot.weights?.manifestSha256 ?? '',
    },
    train: { items: trainedItems(snapshot), supportVectors, milliseconds: trainMs },
    load: {
      files: (loaded.files as JsonObject[]).length,
      sizeBytes: Number(loaded.sizeBytes),
      milliseconds: Number((loaded.timings as JsonObject).totalMs),
    },
    test: {
      items: testItemIds.length,
      accuracy: metrics.accuracy ?? 0,
      f1: metrics.f1 ?? 0,
      perLabel: evaluation.perLabel as Record<string, Record<string, number>>,
    },
    callers,
    coldMs,
    warmMs,
  };
}

function trainedItems({ lineage }: Snapshot): number {
  const { partitions } = (lineage.dataset ?? {}) as JsonObject;
  return Number((partitions as JsonObject | undefined)?.train ?? 0);
}

async function latestMetric(
  { store }: Platform,
  snapshotId: string,
  figure: string,
  legend: string,
): Promise<number> {
  const { items } = await store.query('MetricSample', {
    filter: { $and: [{ snapshotId }, { figure }, { legend }] },
    sort: [{ field: 'time', direction: 'descending' }],
    pageSize: 1,
  });
  return Number(items[0]?.y ?? 0);
}
