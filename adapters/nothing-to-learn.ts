import { isModelfnError } from '../shared/errors.ts';
import type { ItemInput, PartitionData } from './model-adapter.ts';
import { NothingToLearn } from './training-errors.ts';

/**
 * Why a partition gave no sample at all: its items have no class labels, or what `prepare` throws for the first that has one,
 * such as an image decoder that is not there. Reads that one item once more. @throws the errors of storage that is unavailable
 */
export async function nothingToLearn(
  partition: PartitionData<unknown>,
  prepare: (input: ItemInput) => unknown,
): Promise<NothingToLearn> {
  for await (const { input, label } of partition.inputs()) {
    if (label === undefined) continue;
    try {
      await prepare(input);
    } catch (cause) {
      // Storage that is unavailable says nothing about the items.
      if (isModelfnError(cause) && cause.retryable) throw cause;
      return new NothingToLearn(cause);
    }
  }
  return new NothingToLearn();
}
