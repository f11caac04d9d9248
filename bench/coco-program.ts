import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { builtInAdapters } from '../adapters/registry.ts';
import { convertFunction } from '../functions/convert/convert.ts';
import { evaluateFunction } from '../functions/evaluate/evaluate.ts';
import { toPrediction } from '../shared/annotations/predictions.ts';
import { writePredictions } from '../shared/annotations/write-predictions.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { allMatches } from '../shared/catalog/all-matches.ts';
import { createDataset } from '../shared/catalog/datasets.ts';
import { uploadItems } from '../shared/catalog/item-import.ts';
import { createModel } from '../shared/catalog/models.ts';
import { createProject } from '../shared/catalog/projects.ts';
import { createSnapshot } from '../shared/catalog/snapshots.ts';
import { readConfig } from '../shared/config.ts';
import { queryOf, withGroundTruth } from '../shared/datasets/partition-data.ts';
import type { FunctionSpec, InputSpecs } from '../shared/invoke/function-spec.ts';
import { createContainer } from '../shared/invoke/handler.ts';
import { invoke } from '../shared/invoke/invoke.ts';
import type { JsonObject } from '../shared/json.ts';
import { openPlatform } from '../shared/open-platform.ts';

/**
 * Takes a COCO file of `count` annotations in through the convert function, writes it out again, predicts exactly what is
 * there, and evaluates that, with a real store; prints what it took: node bench/coco-program.ts <folder> <count>
 */
const [folder, count] = [process.argv[2]!, Number(process.argv[3])];
const PER_ITEM = 100;
const [from, to] = [join(folder, 'from'), join(folder, 'to')];
await mkdir(from, { recursive: true });
await writeCoco(join(from, 'annotations.json'));
const platform = await openPlatform(
  readConfig({
    MODELFN_HOME: join(folder, 'home'),
    MODELFN_LOCAL_ROOTS: folder,
    MODELFN_LOG_LEVEL: 'silent',
  }),
);
const container = createContainer(platform, builtInAdapters);
const { dataset, model, snapshot } = await prepare();

const watch = { rss: 0 };
const timer = setInterval(() => {
  watch.rss = Math.max(watch.rss, process.memoryUsage.rss());
}, 10);
const before = process.memoryUsage.rss();
const taken = await convert({ from: { type: 'local', localPath: from } });
const written = await convert({ bucket: { type: 'local', localPath: to } });
await predictTruth();
const evaluated = await run(evaluateFunction, { partition: 'train' });
clearInterval(timer);
const { size } = await stat(join(from, 'annotations.json'));
process.stdout.write(
  JSON.stringify({
    created: (taken.annotations as JsonObject).created,
    written: (written.written as JsonObject | undefined) ?? null,
    bytes: size,
    beforeBytes: before,
    rssBytes: watch.rss,
    readSeconds: taken.seconds,
    writeSeconds: written.seconds,
    evaluateSeconds: evaluated.seconds,
    averagePrecision: (evaluated.metrics as JsonObject).AP,
  }),
);
await platform.close();
await rm(folder, { recursive: true, force: true });

function convert(input: JsonObject): Promise<JsonObject> {
  return run(convertFunction, { format: 'coco', media: false, ...input });
}

async function run<S extends InputSpecs>(spec: FunctionSpec<S>, input: JsonObject): Promise<JsonObject> {
  const began = performance.now();
  const outcome = await invoke(container, spec, {
    functionName: spec.name,
    input: { snapshot: snapshot.id, dataset: dataset.id, ...input },
    caller: 'pipeline',
    actor: LOCAL_ACTOR,
  });
  if (outcome.output === undefined) throw outcome.error;
  return { ...outcome.output, seconds: (performance.now() - began) / 1000 };
}

/** Predictions that say what the file said. */
async function predictTruth(): Promise<void> {
  const query = queryOf({ datasetId: dataset.id, partition: 'all' });
  const by = { snapshot, model, codeDigest: '' };
  for await (const page of allMatches(platform.store, 'Item', query))
    for await (const { item, annotations } of withGroundTruth(platform, page))
      await writePredictions(platform, LOCAL_ACTOR, by, [
        { item, predictions: annotations.map(toPrediction) },
      ]);
}

async function prepare() {
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'coco' });
  const made = await createDataset(platform, LOCAL_ACTOR, { name: 'scenes', projects: [project.id] });
  const bytes = new TextEncoder().encode('an item that no one decodes');
  const entries = function* () {
    for (let index = 0; index < count / PER_ITEM; index += 1)
      yield { path: `/item-${index}.png`, bytes, partition: 'train' as const };
  };
  await uploadItems(platform, LOCAL_ACTOR, made.id, entries(), { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'detector',
    projectId: project.id,
    entryPoint: 'modelfn/yolov5',
    className: 'Yolov5Adapter',
  });
  const labels = Array.from({ length: 20 }, (_, index) => `label ${index}`);
  const own = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'detector',
    projectId: project.id,
    modelId: model.id,
    datasetId: made.id,
    ontologySpec: { ontologyId: null, labels },
  });
  return { dataset: made, model, snapshot: own };
}

/** Line by line: the program itself must not hold it whole. */
async function writeCoco(path: string): Promise<void> {
  const parts = function* () {
    yield '{"categories":[';
    for (let at = 0; at < 20; at += 1) yield `${at > 0 ? ',' : ''}{"id":${at + 1},"name":"label ${at}"}`;
    yield '],"images":[';
    for (let at = 0; at < count / PER_ITEM; at += 1)
      yield `${at > 0 ? ',' : ''}{"id":${at + 1},"file_name":"item-${at}.png","width":4000,"height":3000}`;
    yield '],"annotations":[';
    for (let at = 0; at < count; at += 1) {
      const box = [(at % 3000) + 0.5, at % 2000, 100, 51.25];
      const image = Math.floor(at / PER_ITEM) + 1;
      yield `${at > 0 ? ',' : ''}{"id":${at + 1},"image_id":${image},"category_id":${(at % 20) + 1},"bbox":${JSON.stringify(box)},"area":5125,"iscrowd":0}\n`;
    }
    yield ']}';
  };
  await pipeline(Readable.from(parts()), createWriteStream(path));
}
