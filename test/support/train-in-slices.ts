import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  AdapterSetup,
  LabelledSample,
  ModelAdapter,
  PartitionData,
  TrainContext,
} from '../../adapters/model-adapter.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';

/** A class of adapters and what it is made with. */
export interface Trainee<Sample> {
  adapterClass: new (setup: AdapterSetup) => ModelAdapter<Sample>;
  setup: AdapterSetup;
  samples: readonly LabelledSample<Sample>[];
  /** Folder of the parent's files, for an adapter that trains from them. */
  parent?: string;
}

export interface SlicedTraining {
  slices: number;
  /** sha256 by file of what was saved. */
  weights: Record<string, string>;
  /** Points as they were logged; what a resumed slice logs again is there once. */
  points: unknown[];
}

/**
 * Trains by the contract alone, without a platform: each slice in a new instance, with only the checkpoint between them.
 * `looks()`: after how many questions the next slice has to yield; `undefined` never.
 */
export async function trainInSlices<Sample>(
  { adapterClass, setup, samples, parent }: Trainee<Sample>,
  looks: () => number | undefined,
): Promise<SlicedTraining> {
  const home = await mkdtemp(join(tmpdir(), 'modelfn-slices-'));
  try {
    const kept = join(home, 'checkpoint');
    let hasCheckpoint = false;
    let points: unknown[] = [];
    let keptPoints = 0;
    for (let slices = 1; ; slices += 1) {
      const adapter = new adapterClass(setup);
      const most = looks();
      let asked = 0;
      points = points.slice(0, keptPoints);
      const isOver = () => {
        asked += 1;
        return most !== undefined && asked > most;
      };
      const context: TrainContext = {
        signal: new AbortController().signal,
        seed: 7,
        parent,
        log: (...logged) => void points.push(...logged),
        progress: () => undefined,
        resumeFrom: hasCheckpoint ? kept : undefined,
        shouldCheckpoint: isOver,
        shouldYield: isOver,
        checkpoint: async (write) => {
          const fresh = join(home, 'fresh');
          await mkdir(fresh);
          await write(fresh);
          await rm(kept, { recursive: true, force: true });
          await cp(fresh, kept, { recursive: true });
          await rm(fresh, { recursive: true });
          hasCheckpoint = true;
          keptPoints = points.length;
        },
      };
      const data = {
        train: partitionOf('train', samples),
        validation: partitionOf<Sample>('validation', []),
      };
      if ((await adapter.train(data, context)) === 'yielded') continue;
      return { slices, weights: await saved(adapter, join(home, 'weights')), points };
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function partitionOf<Sample>(
  partition: 'train' | 'validation',
  samples: readonly LabelledSample<Sample>[],
): PartitionData<Sample> {
  return {
    partition,
    count: samples.length,
    inputs: () => {
      throw new Error('no inputs were planned for');
    },
    samples: async () => [...samples],
    async *stream(skip = () => false) {
      for (const sample of samples) if (!skip(sample)) yield sample;
    },
  };
}

async function saved(
  adapter: Pick<ModelAdapter, 'save'>,
  directory: string,
): Promise<Record<string, string>> {
  await mkdir(directory);
  await adapter.save(directory);
  const names = (await readdir(directory)).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, sha256Of(await readFile(join(directory, name)))] as const),
    ),
  );
}
