import type { BucketSpec } from '../../shared/entities/bucket-spec.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import type { LoadedSnapshot } from '../../shared/snapshots/loaded-snapshots.ts';
import { currentSnapshot } from '../../shared/snapshots/snapshot-at.ts';
import { describeSnapshot, modelOf } from '../../shared/snapshots/snapshot-model.ts';
import { ModelNotExportable } from './errors.ts';

/** The format in which a snapshot's weights are written, where all others are of its dataset. */
export const ONNX = 'onnx';
const MODEL_FILE = 'model.onnx';

/**
 * Writes the snapshot's weights as `model.onnx` to the bucket that `openTarget` gives.
 * @throws ModelNotExportable
 */
export async function exportModel(
  given: Readonly<Snapshot>,
  run: Run,
  openTarget: () => Promise<BucketSpec>,
): Promise<JsonObject> {
  const { container, platform, executionId, signal } = run;
  const snapshot = await currentSnapshot(run, given);
  const model = await modelOf(container, snapshot);
  const write = async ({ adapter }: LoadedSnapshot): Promise<JsonObject> => {
    if (!adapter.exportOnnx) throw new ModelNotExportable(model.className, ONNX);
    const content = await adapter.exportOnnx();
    const spec = await openTarget();
    const bucket = await platform.openBucket({ id: executionId, projectId: snapshot.projectId }, spec);
    await bucket.write(MODEL_FILE, content);
    const files = [{ path: MODEL_FILE, sizeBytes: content.byteLength }];
    return { snapshot: describeSnapshot(snapshot), bucket: spec as Json, files };
  };
  return container.loaded.use(snapshot, model, write, signal);
}
