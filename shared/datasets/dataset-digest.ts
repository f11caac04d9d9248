import { createHash } from 'node:crypto';
import { allMatches } from '../catalog/all-matches.ts';
import { partitionOf } from '../entities/item.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { queryOf, withGroundTruth } from './partition-data.ts';

/** What a training read: how many items of each partition, and a digest of all of it. */
export interface DatasetDigest {
  sha256: string;
  items: number;
  partitions: { train: number; validation: number; test: number; none: number };
}

/**
 * sha256 over every file of a dataset in order of filename: its path, the digest of its bytes, its partition, and what
 * people said about it. Ids, times and predictions do not count: a copy of the dataset has the same digest.
 */
export async function digestDataset(
  platform: Pick<Platform, 'store'>,
  datasetId: string,
  filter?: JsonObject,
): Promise<DatasetDigest> {
  const hash = createHash('sha256');
  const partitions = { train: 0, validation: 0, test: 0, none: 0 };
  let count = 0;
  for await (const items of allMatches(
    platform.store,
    'Item',
    queryOf({ datasetId, partition: 'all', filter }),
  )) {
    for await (const { item, annotations } of withGroundTruth(platform, items)) {
      const said = annotations.map(({ type, label, attributes, coordinates }) => ({
        type,
        label,
        attributes,
        coordinates: coordinates ?? null,
      }));
      hash.update(
        canonicalJson([item.filename, item.content?.sha256 ?? null, partitionOf(item) ?? null, said]),
      );
      hash.update('\n');
      partitions[partitionOf(item) ?? 'none'] += 1;
      count += 1;
    }
  }
  return { sha256: hash.digest('hex'), items: count, partitions };
}
