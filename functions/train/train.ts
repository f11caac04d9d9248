import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelAdapter, TrainingData } from '../../adapters/model-adapter.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';
import { digestDataset } from '../../shared/datasets/dataset-digest.ts';
import { datasetOf } from '../../shared/datasets/dataset-of.ts';
import { PartitionEmpty } from '../../shared/datasets/errors.ts';
import { type OpenPartition, openPartition } from '../../shared/datasets/partition-data.ts';
import { MAX_UNREADABLE_SHARE_INPUT } from '../../shared/datasets/unreadable-share.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { Partition } from '../../shared/entities/item.ts';
import type { MetricNumber } from '../../shared/entities/metric-number.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { hasCode } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/invoke/function-spec.ts';
import type { Run } from '../../shared/invoke/run.ts';
import { Yielded } from '../../shared/invoke/yielded.ts';
import { canonicalJson, type Json, type JsonObject } from '../../shared/json.ts';
import { loadAdapterClass } from '../../shared/snapshots/adapter-class.ts';
import { adapterSetup } from '../../shared/snapshots/adapter-setup.ts';
import { assertConfiguration } from '../../shared/snapshots/assert-configuration.ts';
import { commitWeights } from '../../shared/snapshots/commit-weights.ts';
import type { SavedFiles } from '../../shared/snapshots/files/commit-files.ts';
import { releaseAdapter } from '../../shared/snapshots/release-adapter.ts';
import { saveProgress } from '../../shared/snapshots/save-progress.ts';
import { savedBefore } from '../../shared/snapshots/saved-before.ts';
import { currentSnapshot } from '../../shared/snapshots/snapshot-at.ts';
import { describeSnapshot, modelOf } from '../../shared/snapshots/snapshot-model.ts';
import { abandonRun, beginRun } from '../../shared/snapshots/snapshot-run.ts';
import { readFacts, toFacts } from '../../shared/train/checkpoint-facts.ts';
import { Checkpoints } from '../../shared/train/checkpoints.ts';
import { YieldedWithoutCheckpoint } from '../../shared/train/errors.ts';
import { MetricWriter } from '../../shared/train/metric-writer.ts';
import { Slice } from '../../shared/train/slice.ts';
import { VERSION } from '../../shared/version.ts';

/** Saving and the bookkeeping around it are the last part of the bar. */
const TRAINED_PERCENT = 95;
const SHOWN_FAILURES = 100;

/** Trains a snapshot on its dataset and saves the weights as its next revision. */
export const trainFunction = defineFunction({
  name: 'train',
  description:
    'Trains a snapshot on the train partition of its dataset and saves the weights as its next revision.',
  mode: 'background',
  inputs: {
    snapshot: { type: 'Snapshot', required: true, description: 'the snapshot to train' },
    dataset: { type: 'Dataset', description: "another dataset than the snapshot's own" },
    filter: { type: 'Json', description: 'conditions that narrow the items trained on' },
    maxUnreadableShare: MAX_UNREADABLE_SHARE_INPUT,
    seed: {
      type: 'Integer',
      default: 0,
      least: 0,
      description: 'source of all randomness: the same seed gives the same weights',
    },
  },
  run: async (inputs, run) => {
    const { platform, container, executionId } = run;
    const earlier = await savedBefore(inputs.snapshot.id, run);
    if (earlier) {
      await new Checkpoints(run, earlier.snapshot).clear();
      return savedOutput(earlier, inputs.seed);
    }
    const snapshot = await beginRun(platform, inputs.snapshot, executionId);
    let training: ModelAdapter<unknown> | undefined;
    let parent: OpenParent | undefined;
    const own = openOwnWeights(run, snapshot);
    try {
      const model = await modelOf(container, snapshot);
      const { adapterClass, codeDigest, runtime } = await loadAdapterClass(
        platform,
        container.builtIns,
        model,
        run.signal,
        ['prepare', 'train', 'save'],
      );
      const dataset = await datasetOf(platform, snapshot, inputs.dataset);
      const setup = adapterSetup(platform, adapterClass, model, snapshot, dataset);
      const { configuration, labels } = setup;
      assertConfiguration(adapterClass, `configuration of snapshot ${snapshot.name}`, configuration, labels);
      const adapter = new adapterClass(setup);
      training = adapter;
      parent = await openParent(run, snapshot);
      const code = sha256Of(
        canonicalJson([
          codeDigest,
          configuration,
          labels,
          inputs.seed,
          parent?.lineage ?? null,
          ...(runtime ? [runtime] : []),
        ]),
      );
      const trained = await learn(run, adapter, snapshot, dataset, {
        ...inputs,
        code,
        parent: parent?.directory,
        ownWeights: own.open,
      });
      if (trained instanceof Yielded) return trained;
      run.progress(TRAINED_PERCENT, 'saving');
      const lineage: JsonObject = {
        model: {
          id: model.id,
          version: model.version,
          entryPoint: model.entryPoint,
          className: model.className,
          codeDigest,
        },
        dataset: { id: dataset.id, name: dataset.name, ...trained.digest },
        leftOut: leftOut(trained.data),
        configuration: structuredClone(configuration) as JsonObject,
        labels: [...labels],
        seed: inputs.seed,
        parent: parent?.lineage ?? null,
        ...(own.startedFrom() && { startedFrom: own.startedFrom()! }),
        ...(runtime && { environment: runtime as JsonObject }),
        runtime: { modelfn: VERSION, node: process.version, platform: process.platform, arch: process.arch },
        executionId,
      };
      const { snapshot: moved, saved } = await save(run, adapter, snapshot, lineage);
      await new Checkpoints(run, snapshot).clear();
      return {
        ...savedOutput({ snapshot: moved, saved }, inputs.seed),
        items: { train: trained.data.train.used, validation: trained.data.validation.used },
        leftOut: leftOut(trained.data),
        metrics: trained.metrics,
        metricSamples: trained.samples,
        timings: { trainMs: Math.round(trained.trainMs) },
      } satisfies JsonObject;
    } catch (error) {
      await abandonRun(platform, snapshot.id, executionId);
      throw error;
    } finally {
      await releaseAdapter(training, run.log);
      parent?.release();
      await own.release();
    }
  },
});

/**
 * The output as far as the saved revision tells it. Alone it is the answer of a run that was cut off after its weights
 * were saved and before it was recorded: it is not trained again, and its counts and times are lost.
 */
function savedOutput(
  { snapshot, saved }: { snapshot: Snapshot; saved: SavedFiles },
  seed: number,
): JsonObject {
  return {
    snapshot: describeSnapshot(snapshot),
    status: snapshot.status,
    weights: {
      bucket: snapshot.bucket as Json,
      manifestKey: saved.manifestKey,
      manifestSha256: saved.manifestSha256,
      files: saved.files.map((file) => ({ ...file })),
      sizeBytes: saved.sizeBytes,
      ...(saved.sharedWith && { sharedWith: saved.sharedWith as Json }),
    },
    seed,
  };
}

interface Trained {
  data: { train: OpenPartition<unknown>; validation: OpenPartition<unknown> };
  digest: JsonObject;
  metrics: Record<string, MetricNumber>;
  samples: number;
  trainMs: number;
}

interface LearnInputs {
  seed: number;
  filter?: unknown;
  maxUnreadableShare?: number | undefined;
  /** Digest of everything but the data that the weights depend on. */
  code: string;
  parent: string | undefined;
  ownWeights: () => Promise<string | undefined>;
}

async function learn(
  run: Run,
  adapter: ModelAdapter<unknown>,
  snapshot: Snapshot,
  dataset: Readonly<Dataset>,
  { seed, filter, code, parent, ownWeights, maxUnreadableShare }: LearnInputs,
): Promise<Trained | Yielded> {
  const { platform, signal, executionId, deadline } = run;
  const narrow = filter as JsonObject | undefined;
  const open = (partition: Partition) =>
    openPartition(
      platform,
      { datasetId: dataset.id, partition, filter: narrow, maxUnreadableShare },
      (input) => adapter.prepare(input),
      signal,
    );
  const data = { train: await open('train'), validation: await open('validation') };
  if (data.train.count === 0) throw new PartitionEmpty(dataset, 'train');
  const { sha256, items, partitions } = await digestDataset(platform, dataset.id, narrow);
  const checkpoints = new Checkpoints(run, snapshot);
  const resumed = await checkpoints.open();
  const facts = resumed && readFacts(resumed.facts, { code, dataset: sha256 }, executionId);
  const metrics = new MetricWriter(platform, snapshot.id, executionId, facts?.log);
  const slice = new Slice(platform.clock, deadline);
  const started = performance.now();
  let fraction = facts?.fraction ?? 0;
  let hasCheckpoint = false;
  const trainedMs = () => (facts?.trainMs ?? 0) + performance.now() - started;
  const answer = await adapter
    .train(data as TrainingData<unknown>, {
      signal,
      seed,
      parent,
      ownWeights,
      log: (...samples) => metrics.log(samples),
      progress: (done, message) => {
        fraction = done;
        run.progress(done * TRAINED_PERCENT, message);
      },
      resumeFrom: resumed?.directory,
      shouldCheckpoint: () => slice.shouldCheckpoint(),
      shouldYield: () => slice.shouldYield(),
      checkpoint: async (write) => {
        const begun = performance.now();
        const log = await metrics.place();
        await checkpoints.save(
          write,
          toFacts({ code, dataset: sha256, log, fraction, trainMs: trainedMs() }),
        );
        slice.checkpointed(performance.now() - begun);
        hasCheckpoint = true;
      },
    })
    .finally(() => resumed?.release());
  signal.throwIfAborted();
  run.assertAllRead();
  if (answer === 'yielded') {
    if (!hasCheckpoint) throw new YieldedWithoutCheckpoint(executionId);
    return new Yielded(fraction * TRAINED_PERCENT, 'goes on in the next slice');
  }
  const trainMs = trainedMs();
  const samples = await metrics.flush();
  return { data, digest: { sha256, items, partitions }, metrics: metrics.latest, samples, trainMs };
}

async function save(run: Run, adapter: ModelAdapter<unknown>, snapshot: Snapshot, lineage: JsonObject) {
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-save-'));
  try {
    await adapter.save(directory);
    // An adapter may have written its configuration back, over the API.
    const { configuration = snapshot.configuration } =
      (await run.platform.store.get('Snapshot', snapshot.id)) ?? {};
    return await commitWeights(
      run.platform,
      { ...snapshot, configuration },
      {
        source: directory,
        lineage,
        actor: run.actor,
        executionId: run.executionId,
        signal: run.signal,
        onProgress: saveProgress(run, TRAINED_PERCENT),
      },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The snapshot that another one was made from, as its training has it. */
interface OpenParent {
  lineage: { id: string; revision: number };
  /** Its files; `undefined` when it has none. */
  directory: string | undefined;
  release(): void;
}

/** @throws WeightsCorrupt, and the codes of buckets */
async function openParent(run: Run, { parentId }: Snapshot): Promise<OpenParent | undefined> {
  const found = parentId === null ? undefined : await run.platform.store.get('Snapshot', parentId);
  if (!found) return undefined;
  const parent = await currentSnapshot(run, found);
  const { id, revision } = parent;
  return { lineage: { id, revision }, ...(await openWeights(run, parent)) };
}

interface OpenWeights {
  /** `undefined` when the snapshot was never trained or saved. */
  directory: string | undefined;
  release(): void;
}

/** @throws WeightsCorrupt, and the codes of buckets */
async function openWeights({ container, signal }: Run, snapshot: Readonly<Snapshot>): Promise<OpenWeights> {
  const { bucket, weights } = snapshot;
  try {
    return await container.loaded.fetch({ bucket, owner: snapshot, weights }, signal);
  } catch (error) {
    // A snapshot that was never trained is one of name and configuration alone; files that are gone are a fault.
    if (!hasCode(error, 'WeightsMissing') || weights !== null) throw error;
    return { directory: undefined, release: () => undefined };
  }
}

/** The snapshot's own current files: fetched on the first call of `open`, as most trainings begin without them. */
function openOwnWeights(run: Run, snapshot: Snapshot) {
  let opening: Promise<OpenWeights> | undefined;
  let startedFrom: JsonObject | undefined;
  const openCurrent = async (): Promise<OpenWeights> => {
    const current = await currentSnapshot(run, snapshot).catch((error: unknown) => {
      if (!hasCode(error, 'WeightsRemoved')) throw error;
    });
    // A bucket that was emptied means a start without weights.
    if (current === undefined) return { directory: undefined, release: () => undefined };
    const opened = await openWeights(run, current);
    if (opened.directory !== undefined) startedFrom = { id: current.id, revision: current.revision };
    return opened;
  };
  return {
    open: async () => {
      opening ??= openCurrent();
      return (await opening).directory;
    },
    /** The revision whose files were opened, for the lineage. */
    startedFrom: () => startedFrom,
    release: async () => {
      const opened = await opening?.catch(() => undefined);
      opened?.release();
    },
  };
}

/** Items that the training did not use, in the output and in the lineage. */
function leftOut({ train, validation }: Trained['data']): JsonObject {
  const partitions = [train, validation];
  const failed = partitions.flatMap((each) => each.leftOut.failed);
  return {
    unlabelled: partitions.reduce((sum, each) => sum + each.leftOut.unlabelled, 0),
    failed: failed.slice(0, SHOWN_FAILURES).map((each) => ({ ...each })),
    failedCount: failed.length,
  };
}
