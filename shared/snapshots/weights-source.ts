import * as z from 'zod/mini';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import { bucketSpecSchema } from '../entities/bucket-spec.ts';
import { type Execution, isFinished } from '../entities/execution.ts';
import { idSchema } from '../entities/fields.ts';
import { type Snapshot, weightsPointerSchema } from '../entities/snapshot.ts';
import { ModelfnError } from '../errors.ts';
import type { EntityStore } from '../store/entity-store.ts';

/** Files that lie in a bucket: a saved revision, or bare. */
export interface BucketFiles {
  bucket: BucketSpec;
  /** Whose bucket it is: a `local` bucket without a path has one folder for each owner. */
  owner: Pick<Snapshot, 'id' | 'projectId'>;
  weights: Snapshot['weights'];
  /** Digest that bare files must have (`digestFiles`); any when missing. */
  bare?: string;
}

/** Files of a saved revision. */
export interface SavedWeights extends BucketFiles {
  weights: NonNullable<Snapshot['weights']>;
}

/** True for a saved revision, false for bare files. */
export function isSavedWeights(files: BucketFiles): files is SavedWeights {
  return files.weights !== null;
}

/** An execution that left no files behind. */
export class ExecutionWithoutFiles extends ModelfnError {
  override readonly name = 'ExecutionWithoutFiles';
  readonly code = 'ExecutionWithoutFiles';
  readonly statusCode = 422;
  constructor(execution: Pick<Execution, 'id' | 'functionName'>, why: string) {
    super(
      `Execution ${execution.id} (${execution.functionName}) has no files to save: ${why}. Take a finished execution of train, save or convert.`,
      { details: { execution: execution.id, functionName: execution.functionName } },
    );
  }
}

const savedSchema = z.object({
  snapshot: z.object({ id: idSchema }),
  weights: z.extend(weightsPointerSchema, { bucket: bucketSpecSchema }),
});
const convertedSchema = z.object({ bucket: bucketSpecSchema });

/** modelfn's own functions whose output names files. Any other function's output is its author's text. */
const WITH_FILES = ['train', 'save', 'convert'];

/**
 * Returns where an execution's files lie: the revision that train or save made, or the layout that convert wrote.
 * @throws ExecutionWithoutFiles, also when the files belong to another project than `projectId`
 */
export async function findFilesOfExecution(
  store: Pick<EntityStore, 'get'>,
  execution: Readonly<Execution>,
  projectId: string,
): Promise<BucketFiles> {
  if (!WITH_FILES.includes(execution.functionName) || execution.packageId !== undefined)
    throw new ExecutionWithoutFiles(execution, 'it is a run of another function');
  if (!isFinished(execution)) throw new ExecutionWithoutFiles(execution, 'it has not ended');
  const saved = z.safeParse(savedSchema, execution.output);
  if (saved.success) {
    const { bucket, ...weights } = saved.data.weights;
    const { id } = saved.data.snapshot;
    const owner = await store.get('Snapshot', id);
    if (owner !== undefined && owner.projectId !== projectId)
      throw new ExecutionWithoutFiles(execution, 'its snapshot belongs to another project');
    return { bucket, owner: { id, projectId }, weights };
  }
  const converted = z.safeParse(convertedSchema, execution.output);
  if (converted.success)
    return { bucket: converted.data.bucket, owner: { id: execution.id, projectId }, weights: null };
  throw new ExecutionWithoutFiles(execution, `it ended with ${execution.latestStatus.status} and names none`);
}
