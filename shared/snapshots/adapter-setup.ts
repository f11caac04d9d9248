import { join } from 'node:path';
import type { AdapterSetup, ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { deepFreeze } from '../json.ts';
import type { Platform } from '../platform.ts';
import { effectiveConfiguration } from './effective-configuration.ts';

/** What a snapshot's adapter is constructed with. */
export function adapterSetup(
  { cacheDirectory }: Pick<Platform, 'cacheDirectory'>,
  adapterClass: Pick<ModelAdapterClass, 'defaults' | 'replacesConfiguration'>,
  model: Readonly<Model>,
  snapshot: Readonly<Snapshot>,
): AdapterSetup {
  const { id: snapshotId, modelId, projectId, datasetId } = snapshot;
  return {
    configuration: effectiveConfiguration(adapterClass, model, snapshot),
    labels: deepFreeze([...snapshot.ontologySpec.labels]),
    cacheDirectory: join(cacheDirectory, 'adapters'),
    entities: { snapshotId, modelId, projectId, datasetId },
  };
}
