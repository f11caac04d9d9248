import { join } from 'node:path';
import { builtInAdapters } from '../../adapters/registry.ts';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { toAnnotations } from '../../shared/annotations/predictions.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { readConfig } from '../../shared/config.ts';
import type { Annotation } from '../../shared/entities/annotation.ts';
import type { Item } from '../../shared/entities/item.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { runInPlace } from '../support/run-function.ts';

/**
 * Evaluates `count` boxes, a hundred an item and half of them predictions, in a real store, and prints the output:
 * node test/functions/evaluate-many.ts <folder> <count>
 */
const [folder, count] = [process.argv[2]!, Number(process.argv[3])];
const PER_ITEM = 100;
const LABELS = Array.from({ length: 20 }, (_, index) => `label ${index}`);
const platform = await openPlatform(
  readConfig({ MODELFN_HOME: join(folder, 'home'), MODELFN_LOG_LEVEL: 'silent' }),
);
const project = await createProject(platform, LOCAL_ACTOR, { name: 'many' });
const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'scenes', projects: [project.id] });
const bytes = new TextEncoder().encode('an item that no one decodes');
const entries = Array.from({ length: count / PER_ITEM }, (_, index) => ({
  path: `/item-${index}.png`,
  bytes,
  partition: 'test' as const,
}));
await uploadItems(platform, LOCAL_ACTOR, dataset.id, entries, { mode: 'skip' });
const model = await createModel(platform, LOCAL_ACTOR, {
  name: 'detector',
  projectId: project.id,
  entryPoint: 'modelfn/yolov5',
  className: 'Yolov5Adapter',
});
const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
  name: 'detector',
  projectId: project.id,
  modelId: model.id,
  datasetId: dataset.id,
  ontologySpec: { ontologyId: null, labels: LABELS },
});
const { items } = await platform.store.query('Item', { filter: { type: 'file' }, pageSize: 10_000 });
for (let from = 0; from < items.length; from += 20) {
  const part = items.slice(from, from + 20);
  await platform.store.upsert('Annotation', part.flatMap(annotationsOf));
  await platform.store.refreshAnnotationCounts(part.map(({ id }) => id));
}
const container = createContainer(platform, builtInAdapters);
process.stdout.write(
  JSON.stringify(await runInPlace(container, evaluateFunction, { snapshot: snapshot.id })),
);
await platform.close();

/** Every second prediction lies exactly on the truth, the others a width beside it. */
function annotationsOf(item: Item): Annotation[] {
  const by = { snapshot, model, codeDigest: '', creator: LOCAL_ACTOR.email };
  const predictions = Array.from({ length: PER_ITEM / 2 }, (_, at) => ({
    type: 'box',
    label: LABELS[at % LABELS.length]!,
    confidence: 0.5 + at / PER_ITEM,
    coordinates: boxAt(at, at % 2 === 0 ? 0 : 30),
  }));
  const predicted = toAnnotations(platform, by, { item, predictions });
  const truths = predicted.map((annotation, at) => ({
    ...annotation,
    id: `${item.id}-${at}`,
    coordinates: boxAt(at, 0),
    metadata: { system: {} },
  }));
  return [...predicted, ...truths];
}

function boxAt(at: number, shift: number) {
  const [x, y] = [(at % 10) * 100 + shift, Math.floor(at / 10) * 100];
  return [
    { x, y, z: 0 },
    { x: x + 30, y: y + 30, z: 0 },
  ];
}
