import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { LoadedModel } from '../../adapters/service-runner.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Run } from '../invoke/run.ts';
import { predictItems } from '../predict/predict-items.ts';
import { assertMethods } from '../snapshots/offered-methods.ts';
import { currentSnapshot } from '../snapshots/snapshot-at.ts';
import { modelOf } from '../snapshots/snapshot-model.ts';

/** A snapshot's adapter from the container's memory, or loaded into it. The caller releases it when the run has ended. */
export async function acquireModel(
  given: Readonly<Snapshot>,
  run: Run,
): Promise<{ value: LoadedModel; release: () => void }> {
  const { container, platform, signal } = run;
  const snapshot = await currentSnapshot(run, given);
  const model = await modelOf(container, snapshot);
  const { value: loaded, release } = await container.loaded.acquire(snapshot, model, signal);
  const { adapter } = loaded;
  const value: LoadedModel = {
    snapshot,
    model,
    labels: adapter.labels,
    adapter,
    predict: async (items, { minConfidence = 0, onProgress } = {}) => {
      assertMethods(adapter.constructor as ModelAdapterClass, model.name, ['prepare', 'predict']);
      const options = { signal, minConfidence, ...(onProgress && { onProgress }) };
      const { results, failed } = await predictItems(platform, loaded, items, options);
      return { results, failed };
    },
  };
  return { value, release };
}
