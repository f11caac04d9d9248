import { join } from 'node:path';
import type { AdapterSetup, ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { Dataset } from '../entities/dataset.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { deepFreeze } from '../json.ts';
import type { Platform } from '../platform.ts';
import { effectiveConfiguration } from './effective-configuration.ts';

/** What a snapshot's adapter is constructed with. `dataset` is the run's when it is not the snapshot's own. */
export function adapterSetup(
  { cacheDirectory }: Pick<Platform, 'cacheDirectory'>,
  adapterClass: Pick<ModelAdapterClass, 'defaults' | 'replacesConfiguration'>,
  model: Readonly<Model>,
  snapshot: Readonly<Snapshot>,
  dataset?: Readonly<Pick<Dataset, 'id'>>,
): AdapterSetup {
  const { id: snapshotId, modelId, projectId } = snapshot;
  const datasetId = dataset?.id ?? snapshot.datasetId;
  return {
    configuration: effectiveConfiguration(adapterClass, model, snapshot),
    labels: deepFreeze([...snapshot.ontologySpec.labels]),
    cacheDirectory: join(cacheDirectory, 'adapters'),
    entities: { snapshotId, modelId, projectId, datasetId },
  };
}
