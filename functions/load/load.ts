import { defineFunction } from '../../shared/invoke/function-spec.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { LoadedSnapshot } from '../../shared/snapshots/loaded-snapshots.ts';
import { snapshotAt } from '../../shared/snapshots/snapshot-at.ts';
import { describeSnapshot, modelOf } from '../../shared/snapshots/snapshot-model.ts';

/** Brings a snapshot in and tells what it is: the proof that it can be loaded, before anyone depends on it. */
export const loadFunction = defineFunction({
  name: 'load',
  description: 'Loads a snapshot from its bucket, every file verified, and reports what it is.',
  mode: 'inPlace',
  inputs: {
    snapshot: { type: 'Snapshot', required: true, description: 'the snapshot to load' },
    revision: {
      type: 'Integer',
      least: 1,
      description: 'an earlier revision of the snapshot; the current one when missing',
    },
    fresh: {
      type: 'Boolean',
      default: false,
      description: 'true: load again even if this container holds it in memory already',
    },
  },
  run: async ({ fresh, revision, ...inputs }, run) => {
    const { container, signal } = run;
    const snapshot = await snapshotAt(run, inputs.snapshot, revision);
    const model = await modelOf(container, snapshot);
    const started = performance.now();
    const report = (loaded: LoadedSnapshot, cold: boolean): JsonObject => {
      const { files, adapter, timings } = loaded;
      return {
        snapshot: describeSnapshot(snapshot),
        status: snapshot.status,
        model: { id: model.id, name: model.name, entryPoint: model.entryPoint, className: model.className },
        codeDigest: loaded.codeDigest,
        files: files.files.map((file) => ({ ...file })),
        sizeBytes: files.sizeBytes,
        manifestSha256: snapshot.weights?.manifestSha256 ?? null,
        bucket: { type: snapshot.bucket.type },
        labels: [...adapter.labels],
        input: { type: model.inputType, maxBatchSize: adapter.maxBatchSize },
        output: { type: model.outputType },
        configuration: structuredClone(adapter.configuration) as JsonObject,
        lineage: structuredClone(snapshot.lineage) as JsonObject,
        cold,
        fromCache: files.fromCache,
        timings: {
          totalMs: round(performance.now() - started),
          codeMs: round(timings.codeMs),
          filesMs: round(timings.filesMs),
          loadMs: round(timings.loadMs),
        },
      };
    };
    if (!fresh) return container.loaded.use(snapshot, model, report, signal, ['load']);
    const loaded = await container.loaded.load(snapshot, model, { signal, needs: ['load'] });
    try {
      return report(loaded, true);
    } finally {
      await loaded.unload();
    }
  },
});

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
