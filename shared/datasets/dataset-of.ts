import type { Dataset } from '../entities/dataset.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Platform } from '../platform.ts';
import { EntityNotFound } from '../store/errors.ts';
import { DatasetMissing } from './errors.ts';

/** The dataset a run works on: the one given, else the snapshot's own. @throws DatasetMissing, EntityNotFound */
export async function datasetOf(
  { store }: Pick<Platform, 'store'>,
  snapshot: Readonly<Snapshot>,
  given: Readonly<Dataset> | undefined,
): Promise<Readonly<Dataset>> {
  if (given) return given;
  if (snapshot.datasetId === null) throw new DatasetMissing(snapshot);
  const dataset = await store.get('Dataset', snapshot.datasetId);
  if (dataset) return dataset;
  throw new EntityNotFound({
    kind: 'Dataset',
    reference: snapshot.datasetId,
    field: `snapshot ${snapshot.name}`,
    advice: 'The dataset was deleted; give the input "dataset".',
  });
}
