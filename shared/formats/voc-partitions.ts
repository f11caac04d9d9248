import type { Partition } from '../entities/item.ts';
import type { FormatFiles } from './format.ts';
import type { LossReport } from './loss-report.ts';
import { linesOf } from './text-stream.ts';
import { partitionOfWord } from './yolo-partitions.ts';

const MAX_LINE_CHARS = 64 * 1024;

/**
 * Reads the lists `ImageSets/<task>/<partition>.txt`: a name without extension per line. Lists of one class, such as
 * `cat_train.txt`, and lists of several partitions, such as `trainval.txt`, name no partition. Returns partitions by the last part of the
 * names.
 */
export async function readImageSets(
  files: FormatFiles,
  paths: readonly string[],
  losses: LossReport,
): Promise<Map<string, Partition>> {
  const partitions = new Map<string, Partition>();
  for (const path of paths) {
    const [, list] = /(?:^|\/)ImageSets\/(?:[^/]+\/)?([^/]+)\.txt$/.exec(path) ?? [];
    const partition = list === undefined ? undefined : partitionOfWord(list);
    if (partition === undefined || partition === 'unassigned') continue;
    for await (const line of linesOf('voc', files, path, MAX_LINE_CHARS)) {
      const name = line.trim().split('/').at(-1)!;
      if (name === '') continue;
      const known = partitions.get(name);
      if (known === undefined) partitions.set(name, partition);
      else if (known !== partition)
        losses.dropped('image', 'partition', `${name} is in ${known} and ${partition}`);
    }
  }
  return partitions;
}
