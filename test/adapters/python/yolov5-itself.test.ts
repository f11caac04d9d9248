import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { builtInAdapters } from '../../../adapters/registry.ts';
import { drawScenes, SHAPE_LABELS } from '../../../examples/yolov5-training/draw-scenes.ts';
import { convertFunction } from '../../../functions/convert/convert.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { saveFunction } from '../../../functions/save/save.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { readMetrics } from '../../../shared/catalog/metrics.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { readConfig } from '../../../shared/config.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { restoreFiles } from '../../../shared/snapshots/restore-files.ts';
import { readRevision } from '../../../shared/snapshots/revisions.ts';
import { openWeightsBucket } from '../../../shared/snapshots/shared-files.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openWorkspace } from '../../support/workspace.ts';
import { exampleFolder, pythonProblem } from './hosted-python.ts';

/** A Python that has the packages of the example's requirements. */
const PYTHON = process.env.TEST_YOLOV5;
const problem =
  pythonProblem ??
  (PYTHON === undefined
    ? 'TEST_YOLOV5 names no Python with yolov5 7.0.14, PyTorch and onnx (6 GB of packages)'
    : undefined);

const EXAMPLE = exampleFolder('yolov5-training');
const SIZE = 64;
const SCENES = 32;
const VALIDATION = 8;
const EPOCHS = 2;
const SLICE_MS = 15 * 60_000;
/** Keeps every box: those of two epochs are as sure as each other, and which one suppresses the rest is decided by the last bit. */
const THRESHOLDS = { conf_thres: 0, iou_thres: 1, max_det: 300 };
/** Of strides 8, 16 and 32, three anchors each. */
const BOXES = 3 * ((SIZE / 8) ** 2 + (SIZE / 16) ** 2 + (SIZE / 32) ** 2);

/**
 * The example's trainer, that leaves a mark after an epoch and ends its process in the middle of the second one, where it is
 * told to; that only once.
 */
const MARKING = `
import os, signal
import whole_trainer
from whole_trainer import *

def train(folder, settings, on_epoch, on_batch):
    marks = settings["marks"]
    def mark(name):
        path = os.path.join(marks, name)
        is_there = os.path.exists(path)
        open(path, "w").close()
        return not is_there
    done = epochs_of(os.path.join(folder, "run"))
    def batch():
        on_batch()
        if done == 1 and settings["dies"] and mark("died"):
            os.kill(os.getpid(), signal.SIGKILL)
    def epoch(number, metrics):
        mark("epoch %d" % number)
        return on_epoch(number, metrics)
    return whole_trainer.train(folder, settings, epoch, batch)
`;

describeUnless(problem, "YOLOv5's own training", () => {
  it('comes to the same weights cut and killed, which the adapter yolov5 serves as YOLOv5 itself does', async () => {
    const space = await openScenes();
    const whole = await space.openSnapshot('whole', { dies: false });
    const cut = await space.openSnapshot('cut', { dies: true });

    const trained = await space.deliver(whole, 'whole');
    const first = await space.deliver(cut, 'cut', { isShort: true });
    const killed = await space.deliver(cut, 'cut');
    const last = await space.deliver(cut, 'cut');

    expect(trained).toMatchObject({ output: { status: 'trained' } });
    expect(first).toMatchObject({ yielded: true, output: { slices: 1 } });
    expect(killed).toMatchObject({ error: { code: 'PythonDied' } });
    expect(last.output).toMatchObject({ status: 'trained' });
    expect(filesOf(last.output)).toEqual(filesOf(trained.output));
    expect(await space.curvesOf(cut)).toEqual(await space.curvesOf(whole));
    expect((await space.curvesOf(whole)).filter(([name]) => name === 'map50/validation')).toHaveLength(
      EPOCHS,
    );

    const served = await space.serve(whole);
    const found = await space.predict(served);
    const wanted = await space.yolov5Finds(whole);

    expect(Object.keys(found)).toHaveLength(VALIDATION);
    for (const [name, boxes] of Object.entries(wanted)) {
      expect([boxes.length, found[name]!.length]).toEqual([BOXES, BOXES]);
      // Of two boxes that are as sure to the last digit either may come first.
      for (const box of boxes) expect(found[name]!.some((other) => isSame(box, other))).toBe(true);
    }
    const evaluated = await runInPlace(space.container(), evaluateFunction, {
      snapshot: served.id,
      partition: 'validation',
    });
    expect(evaluated.metrics).toHaveProperty('AP');
  }, 300_000);
});

/** Left, top, right, bottom in pixels, the score, and the class. */
type Row = number[];

function isSame(a: Row, b: Row): boolean {
  const isNear = (at: number, most: number) => Math.abs(a[at]! - b[at]!) <= most;
  return a[5] === b[5] && isNear(4, 1e-4) && [0, 1, 2, 3].every((at) => isNear(at, 0.01));
}

function filesOf(output: JsonObject | undefined): unknown {
  return (output?.weights as { files: unknown } | undefined)?.files;
}

/** Scenes with their boxes in a dataset, a few for validation, and a model whose code is the example. */
async function openScenes() {
  const [code, scenes, held] = [temporaryFolder(), temporaryFolder(), join(temporaryFolder(), 'held')];
  copyFileSync(join(EXAMPLE, 'model.py'), join(code, 'model.py'));
  copyFileSync(join(EXAMPLE, 'yolov5_trainer.py'), join(code, 'whole_trainer.py'));
  writeFileSync(join(code, 'yolov5_trainer.py'), MARKING);
  const { python } = readConfig({ ...process.env, MODELFN_PYTHON: PYTHON });
  const space = await openWorkspace({ localRoots: [code, scenes], python });
  onTestFinished(() => space.platform.close());
  const { platform, actor, project, dataset } = space;
  const container = () => createContainer(platform, builtInAdapters);

  await drawScenes(scenes, SCENES, SIZE);
  const names = (await readdir(join(scenes, 'images'))).sort();
  const isHeld = (name: string) => names.indexOf(name) < VALIDATION;
  const entries = names.map(async (name) => ({
    path: `/images/${name}`,
    bytes: await readFile(join(scenes, 'images', name)),
    partition: isHeld(name) ? ('validation' as const) : ('train' as const),
  }));
  await uploadItems(platform, actor, dataset.id, await Promise.all(entries), { mode: 'skip' });
  const model = await createModel(platform, actor, {
    name: 'training',
    projectId: project.id,
    entryPoint: 'model.py',
    codebase: { type: 'local', localPath: code },
    configuration: { img_size: SIZE, epochs: EPOCHS, batch_size: 8, device: 'cpu' },
  });
  const ontologySpec = { ontologyId: null, labels: [...SHAPE_LABELS] };
  const to = { projectId: project.id, datasetId: dataset.id, ontologySpec };
  const openSnapshot = (name: string, { dies }: { dies: boolean }) => {
    const configuration = { dies, marks: temporaryFolder() };
    return createSnapshot(platform, actor, { ...to, name, modelId: model.id, configuration });
  };
  const source = await openSnapshot('source', { dies: false });
  await runInPlace(container(), convertFunction, {
    ...{ snapshot: source.id, format: 'yolo', media: false },
    from: { type: 'local', localPath: scenes },
  });
  mkdirSync(held);
  for (const name of names.filter(isHeld)) renameSync(join(scenes, 'images', name), join(held, name));

  /** One delivery of an execution, to a container of its own; the time of a short one is up after an epoch. */
  const deliver = (snapshot: Snapshot, executionId: string, { isShort = false } = {}) => {
    const start = platform.clock.now();
    const mark = join(String(snapshot.configuration.marks), 'epoch 0');
    const clock = { now: () => start + (isShort && existsSync(mark) ? SLICE_MS - 1000 : 0) };
    return invoke(createContainer({ ...platform, clock }, builtInAdapters), trainFunction, {
      ...{ functionName: 'train', executionId, input: { snapshot: snapshot.id, seed: 7 } },
      ...{ caller: 'pipeline', actor: LOCAL_ACTOR },
      deadline: start + SLICE_MS,
    });
  };

  const curvesOf = async (snapshot: Snapshot) =>
    (await readMetrics(platform, LOCAL_ACTOR, snapshot.id))
      .map(({ figure, legend, x, y }) => [`${figure}/${legend}`, x, y] as const)
      .sort(([a, x], [b, otherX]) => a.localeCompare(b) || Number(x) - Number(otherX));

  /** The snapshot's ONNX file as a snapshot of modelfn's own adapter. */
  const serve = async (trained: Snapshot) => {
    const own = await createModel(platform, actor, {
      name: 'serving',
      projectId: project.id,
      entryPoint: 'modelfn/yolov5',
      className: 'Adapter',
      configuration: { img_size: SIZE, ...THRESHOLDS },
    });
    const served = await createSnapshot(platform, actor, { ...to, name: 'served', modelId: own.id });
    await runInPlace(container(), saveFunction, { snapshot: served.id, fromSnapshot: trained.id });
    return served;
  };

  const predict = async (served: Snapshot): Promise<Record<string, Row[]>> => {
    const { predictions } = await runInPlace(container(), predictFunction, {
      snapshot: served.id,
      items: { dataset: dataset.id, filter: { 'metadata.system.snapshotPartition': 'validation' } },
    });
    const told = predictions as {
      filename: string;
      annotations: { label: string; confidence: number; coordinates: { x: number; y: number }[] }[];
    }[];
    return Object.fromEntries(
      told.map(({ filename, annotations }) => [
        filename.split('/').at(-1)!,
        annotations.map(({ label, confidence, coordinates: [from, until] }) => [
          ...[from!.x, from!.y, until!.x, until!.y, confidence],
          SHAPE_LABELS.indexOf(label),
        ]),
      ]),
    );
  };

  const yolov5Finds = async (trained: Snapshot): Promise<Record<string, Row[]>> => {
    const snapshot = (await platform.store.get('Snapshot', trained.id))!;
    const record = await readRevision(platform.store, snapshot, snapshot.revision);
    const directory = join(temporaryFolder(), 'weights');
    const bucket = await openWeightsBucket(platform, { owner: snapshot, ...record });
    await restoreFiles({ bucket, weights: record.weights, snapshotId: snapshot.id, directory });
    const { stdout } = await promisify(execFile)(
      PYTHON!,
      [
        join(import.meta.dirname, 'yolov5_detections.py'),
        ...[EXAMPLE, join(directory, 'weights.pt'), held, String(SIZE)],
        ...[THRESHOLDS.conf_thres, THRESHOLDS.iou_thres].map(String),
      ],
      { maxBuffer: 2 ** 26, env: { PATH: process.env.PATH, HOME: temporaryFolder() } },
    );
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, Row[]>;
  };

  return { container, openSnapshot, deliver, curvesOf, serve, predict, yolov5Finds };
}
