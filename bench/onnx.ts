import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import sharp from 'sharp';
import { predictFunction } from '../functions/predict/predict.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { createDataset } from '../shared/catalog/datasets.ts';
import { uploadItem } from '../shared/catalog/item-upload.ts';
import { createModel } from '../shared/catalog/models.ts';
import { createProject } from '../shared/catalog/projects.ts';
import { createSnapshot } from '../shared/catalog/snapshots.ts';
import { cpusGiven } from '../shared/config.ts';
import { callFromPipeline } from '../shared/invoke/callers/pipeline.ts';
import { commitWeights } from '../shared/snapshots/commit-weights.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';
import { ROOT, type Workspace } from './workspace.ts';

const FIXTURES = join(ROOT, 'test', 'fixtures', 'onnx');
const BATCHES = [1, 8, 32];
/** Of a dataset: the scenes, again and again. */
const DATASET_ITEMS = 192;
const BLOCKS = 5;
const BLOCK_MS = 1_000;
/** What V8 compiles first, and the threads of the side before that still spin, are no part of a block. */
const SETTLING_MS = 500;
const FIRST_SETTLING_MS = 2_000;
const SIDE = 128;
const LABELS = ['trouser', 'bag', 'ankle-boot'];

/** What is measured of a batch size: each side does the same images once. */
interface Sides {
  images: number;
  run: Record<string, () => Promise<unknown>>;
}

/**
 * Images a second through the predict function, from the stored PNG to boxes written back, beside a bare loop in the same process that
 * reads the same files, decodes them with sharp, and runs the same model: no suppression, no entities, nothing written.
 */
export async function onnxThroughput(space: Workspace): Promise<string> {
  const requests: string[][] = [];
  const datasets: string[][] = [];
  for (const batch of BATCHES) {
    const bench = await openBench(space, batch);
    datasets.push([String(batch), ...(await compare(bench.dataset))]);
    requests.push([String(batch), ...(await compare(bench.request))]);
    await bench.close();
  }
  const headings = ['bare loop', 'function', 'function, written back', 'ratio', 'ratio, written back'];
  return [
    '## ONNX detection',
    `Images a second, PNG of ${SIDE} x ${SIDE}, a detector of 82,000 parameters (about 1 ms an image), median of ${BLOCKS} blocks of ${BLOCK_MS / 1000} s a side and middle half. The bare loop reads and decodes a batch and infers it, batch after batch; the function also finds its entities, suppresses boxes, records the execution and, in the last column, writes the boxes back. Aim: 0.9 of the bare loop.`,
    `One call over ${DATASET_ITEMS} items:`,
    markdownTable(['batch', ...headings], datasets),
    'A call for each batch, as a request or an event has it:',
    markdownTable(['images a call', ...headings], requests),
    'Kept: threads of the runtime spin for their next piece while a model runs and sleep between two runs (`session.force_spinning_stop`), where they took the cores from decoding; the images of the next batch are decoded while one is inferred; the memory of an input is filled again. The bare loop has none of these. A call for a single image was at 0.82 to 0.92 in four runs: beside some 3 ms of an image, a call takes 0.2 ms to be found, checked and recorded, and as much again to be written back (see Warm overhead).',
  ].join('\n\n');
}

/** Blocks of one side and then of the other: within one process they would disturb each other call by call. */
async function compare({ images, run }: Sides): Promise<string[]> {
  const rates: Record<string, number[]> = Object.fromEntries(Object.keys(run).map((name) => [name, []]));
  for (const side of Object.values(run)) await repeat(side, FIRST_SETTLING_MS);
  for (let block = 0; block < BLOCKS; block += 1)
    for (const [name, side] of Object.entries(run)) {
      await repeat(side, SETTLING_MS);
      const { times, ms } = await repeat(side, BLOCK_MS);
      rates[name]!.push((times * images * 1000) / ms);
    }
  const spreads = Object.values(rates).map(spreadOf);
  const [bare] = spreads;
  return [
    ...spreads.map((spread) => shown(spread, 0)),
    ...spreads.slice(1).map(({ median }) => (median / bare!.median).toFixed(2)),
  ];
}

async function repeat(side: () => Promise<unknown>, leastMs: number): Promise<{ times: number; ms: number }> {
  const started = performance.now();
  for (let times = 1; ; times += 1) {
    await side();
    const ms = performance.now() - started;
    if (ms >= leastMs) return { times, ms };
  }
}

async function openBench({ platform, container }: Workspace, batch: number) {
  const scenes = (await readdir(join(FIXTURES, 'scenes')))
    .sort()
    .map((name) => join(FIXTURES, 'scenes', name));
  const paths = Array.from({ length: DATASET_ITEMS }, (_, index) => scenes[index % scenes.length]!);
  const project = await createProject(platform, LOCAL_ACTOR, { name: `onnx-${batch}` });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'scenes', projects: [project.id] });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'detector',
    projectId: project.id,
    entryPoint: 'modelfn/yolov5',
    className: 'Yolov5Adapter',
    configuration: { img_size: SIDE, batch_size: batch },
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'detector',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
    ontologySpec: { ontologyId: null, labels: LABELS },
  });
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-bench-onnx-'));
  const file = join(FIXTURES, 'tiny-yolo.onnx');
  await copyFile(file, join(directory, 'tiny-yolo.onnx'));
  await commitWeights(platform, snapshot, {
    source: directory,
    lineage: {},
    actor: LOCAL_ACTOR,
    executionId: platform.ids.objectId(),
  });
  await rm(directory, { recursive: true, force: true });
  const items: string[] = [];
  for (const [index, path] of paths.entries()) {
    const to = {
      datasetId: dataset.id,
      path: `/${index}.png`,
      source: await readFile(path),
      mode: 'skip',
    } as const;
    items.push((await uploadItem(platform, LOCAL_ACTOR, to)).item.id);
  }
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: cpusGiven(),
    graphOptimizationLevel: 'all',
  });
  const call = (count: number, write: boolean) => () =>
    callFromPipeline(
      container,
      predictFunction,
      {
        inputs: {
          snapshot: { snapshot_id: snapshot.id },
          items: items.slice(0, count).map((id) => ({ item_id: id })),
          write,
        },
      },
      undefined,
    );
  const sidesOf = (count: number): Sides => ({
    images: count,
    run: {
      bare: async () => {
        for (let from = 0; from < count; from += batch)
          await bareBatch(session, paths.slice(from, Math.min(count, from + batch)));
      },
      function: call(count, false),
      written: call(count, true),
    },
  });
  return { dataset: sidesOf(DATASET_ITEMS), request: sidesOf(batch), close: () => session.release() };
}

async function bareBatch(session: ort.InferenceSession, paths: readonly string[]): Promise<unknown> {
  const plane = SIDE * SIDE;
  const input = new Float32Array(paths.length * 3 * plane);
  const decode = async (path: string, index: number) => {
    const { data } = await sharp(await readFile(path))
      .resize(SIDE, SIDE)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (let pixel = 0; pixel < plane; pixel += 1)
      for (let channel = 0; channel < 3; channel += 1)
        input[index * 3 * plane + channel * plane + pixel] = data[pixel * 3 + channel]! / 255;
  };
  await Promise.all(paths.map(decode));
  return session.run({ images: new ort.Tensor('float32', input, [paths.length, 3, SIDE, SIDE]) });
}
