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
const ROUNDS = 40;
const WARM_UP = 15;
const SIDE = 128;
const LABELS = ['trouser', 'bag', 'ankle-boot'];

/**
 * Images a second through the predict function, from the stored PNG to boxes written back, beside a bare loop in the same process that
 * reads the same files, decodes them with sharp, and runs the same session: no suppression, no entities, nothing written.
 */
export async function onnxThroughput(space: Workspace): Promise<string> {
  const rows: string[][] = [];
  for (const batch of BATCHES) {
    const sides = await openSides(space, batch);
    const times: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
    for (let round = -WARM_UP; round < ROUNDS; round += 1)
      for (const [name, run] of Object.entries(sides)) {
        const started = performance.now();
        await run();
        if (round >= 0) times[name]!.push((batch * 1000) / (performance.now() - started));
      }
    const spreads = Object.values(times).map(spreadOf);
    const [bare] = spreads;
    rows.push([
      String(batch),
      ...spreads.map((spread) => shown(spread, 0)),
      ...spreads.slice(1).map(({ median }) => (median / bare!.median).toFixed(2)),
    ]);
  }
  return [
    '## ONNX detection',
    `Images a second, PNG of ${SIDE} x ${SIDE}, a detector of 82,000 parameters (about 1 ms an image), median of ${ROUNDS} interleaved calls and middle half. The bare loop reads, decodes and infers; the function also finds its entities, suppresses boxes, records the execution and, in the last column, writes the boxes back. Aim: 0.9 of the bare loop.`,
    markdownTable(
      ['images a call', 'bare loop', 'function', 'function, written back', 'ratio', 'ratio, written back'],
      rows,
    ),
  ].join('\n\n');
}

async function openSides(
  { platform, container }: Workspace,
  batch: number,
): Promise<Record<string, () => Promise<unknown>>> {
  const names = (await readdir(join(FIXTURES, 'scenes'))).sort().slice(0, batch);
  const paths = names.map((name) => join(FIXTURES, 'scenes', name));
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
      path: `/${names[index]}`,
      source: await readFile(path),
      mode: 'skip',
    } as const;
    items.push((await uploadItem(platform, LOCAL_ACTOR, to)).item.id);
  }
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: cpusGiven(),
    graphOptimizationLevel: 'all',
  });
  const call = (write: boolean) => () =>
    callFromPipeline(
      container,
      predictFunction,
      {
        inputs: {
          snapshot: { snapshot_id: snapshot.id },
          items: items.map((id) => ({ item_id: id })),
          write,
        },
      },
      undefined,
    );
  return {
    bare: () => bareLoop(session, paths),
    function: call(false),
    written: call(true),
  };
}

async function bareLoop(session: ort.InferenceSession, paths: readonly string[]): Promise<unknown> {
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
