import type { FunctionContext } from '../../adapters/service-runner.ts';
import type { Actor } from '../auth/actor.ts';
import { datasetFor, itemFor, projectFor } from '../catalog/access.ts';
import { allMatches } from '../catalog/all-matches.ts';
import { createAnnotations, listAnnotations } from '../catalog/annotations.ts';
import { uploadItem } from '../catalog/item-upload.ts';
import { updateItem } from '../catalog/items.ts';
import { logMetrics } from '../catalog/metrics.ts';
import { modelFor, snapshotFor } from '../catalog/model-access.ts';
import { inputOf, queryOf } from '../datasets/partition-data.ts';
import { derivedId } from '../ids.ts';
import type { Run } from '../invoke/run.ts';
import { canonicalJson } from '../json.ts';
import type { ServiceFunction } from './service-function.ts';

/**
 * What one attempt of a function works with. Writes go through the run's store, which refuses those of a container that
 * lost the run, and end with the attempt: what a function that did not stop in time writes later is refused.
 */
export function functionContext({ service, declared }: ServiceFunction, run: Run): FunctionContext {
  const { platform, executionId, signal } = run;
  const { projectId } = service;
  const { store } = platform;
  const actor: Actor = { email: run.actor.email, projectIds: [projectId] };
  const writing = <A extends unknown[], R>(write: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      signal.throwIfAborted();
      return write(...args);
    };
  };
  return {
    executionId,
    functionName: declared.name,
    service: { id: service.id, name: service.name, version: service.version },
    projectId,
    signal,
    deadline: Math.min(run.deadline ?? Infinity, platform.clock.now() + service.executionTimeout * 1000),
    log: run.log,
    progress: (percentComplete, message) => run.progress(percentComplete, message),
    project: () => projectFor(store, actor, projectId),
    async *items({ id }, filter) {
      const { id: datasetId } = await datasetFor(store, actor, id);
      for await (const page of allMatches(store, 'Item', queryOf({ datasetId, partition: 'all', filter })))
        yield* page;
    },
    open: (item) => inputOf(platform, item),
    annotations: ({ id }) => listAnnotations(platform, actor, id),
    dataset: (id) => datasetFor(store, actor, id),
    item: async (id) => (await itemFor(store, actor, id)).item,
    snapshot: (id) => snapshotFor(store, actor, id),
    model: (id) => modelFor(store, actor, id),
    annotate: writing(({ id }, annotations) =>
      createAnnotations(platform, actor, id, [...annotations], (annotation, index) =>
        derivedId('function', executionId, id, index, canonicalJson(annotation)),
      ),
    ),
    updateMetadata: writing(({ id }, metadata) => updateItem(platform, actor, id, { metadata })),
    upload: writing(async ({ id }, path, content) => {
      const source = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return (await uploadItem(platform, actor, { datasetId: id, path, source, mode: 'overwrite' })).item;
    }),
    logMetrics: writing(async ({ id }, ...samples) => {
      await logMetrics(platform, actor, id, samples);
    }),
  };
}
