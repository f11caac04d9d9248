import type { Partition } from '../entities/item.ts';
import { ModelfnError } from '../errors.ts';

/** A run that needs data was asked of a snapshot without a dataset. */
export class DatasetMissing extends ModelfnError {
  override readonly name = 'DatasetMissing';
  readonly code = 'DatasetMissing';
  readonly statusCode = 422;
  constructor(snapshot: { id: string; name: string }) {
    super(
      `Snapshot ${snapshot.name} (${snapshot.id}) has no dataset: it is for inference only. Give the input "dataset", or set the snapshot's datasetId.`,
      { details: { snapshot: snapshot.id } },
    );
  }
}

/** No item of the dataset is in the partition that a run needs. */
export class PartitionEmpty extends ModelfnError {
  override readonly name = 'PartitionEmpty';
  readonly code = 'PartitionEmpty';
  readonly statusCode = 422;
  constructor(dataset: { id: string; name: string }, partition: Partition) {
    super(
      `The ${partition} partition of dataset ${dataset.name} (${dataset.id}) is empty. Put items into it with \`modelfn datasets partition\`, or set metadata.system.snapshotPartition of the items to "${partition}".`,
      { details: { dataset: dataset.id, partition } },
    );
  }
}
