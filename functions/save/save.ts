import { bucketSpecSchema } from '../../shared/entities/bucket-spec.ts';
import type { Execution } from '../../shared/entities/execution.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { InvalidInput } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/invoke/function-spec.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { parse } from '../../shared/parse.ts';
import type { Platform } from '../../shared/platform.ts';
import { commitWeights, type WeightsCommit } from '../../shared/snapshots/commit-weights.ts';
import type { SavedFiles } from '../../shared/snapshots/files/commit-files.ts';
import { localFolder } from '../../shared/snapshots/local-folder.ts';
import { saveProgress } from '../../shared/snapshots/save-progress.ts';
import { savedBefore } from '../../shared/snapshots/saved-before.ts';
import { currentSnapshot } from '../../shared/snapshots/snapshot-at.ts';
import { describeSnapshot } from '../../shared/snapshots/snapshot-model.ts';
import { abandonRun, beginRun } from '../../shared/snapshots/snapshot-run.ts';
import {
  type BucketFiles,
  findFilesOfExecution,
  isSavedWeights,
} from '../../shared/snapshots/weights-source.ts';
import { VERSION } from '../../shared/version.ts';

const SOURCES = ['directory', 'execution', 'fromSnapshot', 'fromBucket'] as const;

/** Finding what to save is the first part of the bar; bare files are fetched in it. */
const OPENED_PERCENT = 10;

/** Commits files as a snapshot's next revision; with `bucket` into another bucket than before. */
export const saveFunction = defineFunction({
  name: 'save',
  description:
    "Commits a directory, an execution's output, another snapshot's weights or a bucket's content as the snapshot's weights.",
  mode: 'background',
  inputs: {
    snapshot: { type: 'Snapshot', required: true, description: 'the snapshot that gets the weights' },
    directory: {
      type: 'String',
      description: 'a folder of this machine, below MODELFN_LOCAL_ROOTS',
    },
    execution: { type: 'Execution', description: 'a finished execution of train, save or convert' },
    fromSnapshot: {
      type: 'Snapshot',
      description: 'a snapshot whose current weights are taken; itself, to move buckets',
    },
    fromBucket: {
      type: 'Json',
      description: 'a bucket whose files are taken, e.g. {"type":"item","itemId":"..."}',
    },
    bucket: { type: 'Json', description: "the bucket to save to; the snapshot's own when missing" },
  },
  run: async (inputs, run) => {
    const sources = SOURCES.filter((source) => inputs[source] !== undefined);
    if (sources.length !== 1)
      throw new InvalidInput('input of save', [
        { field: sources.join(', ') || 'directory', problem: `give exactly one of ${SOURCES.join(', ')}` },
      ]);
    const bucket = inputs.bucket === undefined ? undefined : parse(bucketSpecSchema, inputs.bucket, 'bucket');
    const earlier = await savedBefore(inputs.snapshot.id, run);
    if (earlier) return saveOutput(earlier.snapshot, earlier.saved);
    const snapshot = await beginRun(run.platform, inputs.snapshot, run.executionId);
    try {
      const given = await withCurrentSource(inputs, run);
      const { source, release } = await openSource(given, snapshot, run);
      try {
        const { snapshot: moved, saved } = await commitWeights(run.platform, snapshot, {
          source,
          lineage: lineageOf(snapshot, given, sources[0]!, run),
          bucket,
          actor: run.actor,
          executionId: run.executionId,
          signal: run.signal,
          onProgress: saveProgress(run, OPENED_PERCENT),
        });
        return saveOutput(moved, saved);
      } finally {
        release();
      }
    } catch (error) {
      await abandonRun(run.platform, snapshot.id, run.executionId);
      throw error;
    }
  },
});

function saveOutput(moved: Snapshot, saved: SavedFiles): JsonObject {
  return {
    snapshot: describeSnapshot(moved),
    status: moved.status,
    weights: {
      bucket: moved.bucket as Json,
      manifestKey: saved.manifestKey,
      manifestSha256: saved.manifestSha256,
      files: saved.files.map((file) => ({ ...file })),
      sizeBytes: saved.sizeBytes,
      uploadedBytes: saved.uploadedBytes,
      ...(saved.sharedWith && { sharedWith: saved.sharedWith as Json }),
    },
  };
}

interface SaveInputs {
  directory?: string | undefined;
  execution?: Readonly<Execution> | undefined;
  fromSnapshot?: Readonly<Snapshot> | undefined;
  fromBucket?: Json | undefined;
}

/** The inputs with what was written into the bucket of the snapshot that is taken. */
async function withCurrentSource(inputs: SaveInputs, run: Run): Promise<SaveInputs> {
  const { directory, execution, fromSnapshot, fromBucket } = inputs;
  const current = fromSnapshot && (await currentSnapshot(run, fromSnapshot));
  return { directory, execution, fromSnapshot: current, fromBucket };
}

/** What to save: a saved revision where it lies; anything else, verified, in a folder of this machine. */
async function openSource(
  inputs: SaveInputs,
  snapshot: Snapshot,
  { platform, container, signal }: Run,
): Promise<{ source: WeightsCommit['source']; release: () => void }> {
  if (inputs.directory !== undefined)
    return { source: await localFolder(platform.config, inputs.directory), release: () => undefined };
  const files = await findFilesToSave(platform, inputs, snapshot);
  if (isSavedWeights(files)) return { source: files, release: () => undefined };
  const { directory, release } = await container.loaded.fetch(files, signal);
  return { source: directory, release };
}

async function findFilesToSave(
  { store }: Pick<Platform, 'store'>,
  { execution, fromSnapshot, fromBucket }: SaveInputs,
  snapshot: Snapshot,
): Promise<BucketFiles> {
  if (execution) return findFilesOfExecution(store, execution, snapshot.projectId);
  if (fromSnapshot)
    return { bucket: fromSnapshot.bucket, owner: fromSnapshot, weights: fromSnapshot.weights };
  return { bucket: parse(bucketSpecSchema, fromBucket, 'fromBucket'), owner: snapshot, weights: null };
}

/** Weights that are saved again keep the story of how they were made. */
function lineageOf(
  snapshot: Snapshot,
  inputs: SaveInputs,
  source: (typeof SOURCES)[number],
  { executionId }: Run,
): JsonObject {
  const saved: JsonObject = {
    from: source,
    executionId,
    modelfn: VERSION,
    ...(inputs.execution && { execution: inputs.execution.id }),
    ...(inputs.fromSnapshot && {
      snapshot: { id: inputs.fromSnapshot.id, revision: inputs.fromSnapshot.revision },
    }),
  };
  const made = inputs.fromSnapshot?.lineage ?? (source === 'directory' ? {} : snapshot.lineage);
  return { ...structuredClone(made as JsonObject), saved };
}
