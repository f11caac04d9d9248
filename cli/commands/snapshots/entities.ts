import { listMatches } from '../../../shared/catalog/all-matches.ts';
import { cloneSnapshot } from '../../../shared/catalog/snapshot-clone.ts';
import { createSnapshot, deleteSnapshot } from '../../../shared/catalog/snapshots.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import type { Answer } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { jsonObjectOption } from '../../options.ts';
import { fields, table } from '../../output/table.ts';
import { childrenQuery, find } from '../../references.ts';
import type { Session } from '../../session.ts';

interface CreateOptions {
  model: string;
  dataset?: string;
  configuration?: string;
  labels?: string[];
}

export async function createOne(session: Session, name: string, options: CreateOptions): Promise<Answer> {
  const configuration = await jsonObjectOption(session.io, '--configuration', options.configuration);
  const model = await find(session, 'Model', options.model);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const snapshot = await createSnapshot(session.platform, session.actor, {
    name,
    modelId: model.id,
    ...(dataset && { datasetId: dataset.id }),
    ...(configuration && { configuration }),
    ...(options.labels && { ontologySpec: { ontologyId: 'null', labels: options.labels } }),
  });
  const { labels } = snapshot.ontologySpec;
  return {
    json: snapshotToWire(snapshot),
    text: `Created snapshot ${snapshot.name} (${snapshot.id}) of model ${model.name}, labels: ${labels.join(', ') || 'none'}.`,
  };
}

export async function listAll(session: Session, options: { model?: string }): Promise<Answer> {
  const { store } = session.platform;
  const model = options.model === undefined ? undefined : await find(session, 'Model', options.model);
  const snapshots = await listMatches(store, 'Snapshot', childrenQuery(session, 'Snapshot', model?.id));
  const models = await store.getMany('Model', [...new Set(snapshots.map(({ modelId }) => modelId))]);
  const nameOf = new Map(models.map(({ entity }) => [entity.id, entity.name]));
  const rows = snapshots.map((each) => [
    each.name,
    each.id,
    nameOf.get(each.modelId),
    each.status,
    each.revision,
    each.updatedAt,
  ]);
  const empty = 'No snapshots yet. Make one with: modelfn snapshots create <name> --model <model>';
  return {
    json: snapshots.map(snapshotToWire),
    text: table(['NAME', 'ID', 'MODEL', 'STATUS', 'REVISION', 'UPDATED'], rows, empty),
  };
}

export async function showOne(session: Session, reference: string): Promise<Answer> {
  const { store } = session.platform;
  const snapshot = await find(session, 'Snapshot', reference);
  const model = await store.get('Model', snapshot.modelId);
  const dataset = snapshot.datasetId === null ? undefined : await store.get('Dataset', snapshot.datasetId);
  const parent = snapshot.parentId === null ? undefined : await store.get('Snapshot', snapshot.parentId);
  return {
    json: snapshotToWire(snapshot),
    text: fields([
      ['name', snapshot.name],
      ['id', snapshot.id],
      ['model', model?.name ?? snapshot.modelId],
      ['dataset', dataset?.name ?? snapshot.datasetId],
      ['parent', parent?.name ?? snapshot.parentId],
      ['status', snapshot.status],
      ['revision', snapshot.revision],
      ['labels', snapshot.ontologySpec.labels.join(', ')],
      ['configuration', JSON.stringify(snapshot.configuration)],
      ['bucket', JSON.stringify(snapshot.bucket)],
      ['weights', snapshot.weights?.manifestSha256],
      ['made from', madeFrom(snapshot.lineage)],
      ['updated', snapshot.updatedAt],
    ]),
  };
}

export async function clone(
  session: Session,
  reference: string,
  name: string,
  options: { configuration?: string; dataset?: string; labels?: string[]; withWeights?: boolean },
): Promise<Answer> {
  const configuration = await jsonObjectOption(session.io, '--configuration', options.configuration);
  const parent = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const child = await cloneSnapshot(session.platform, session.actor, parent.id, {
    name,
    ...(configuration && { configuration }),
    ...(dataset && { datasetId: dataset.id }),
    ...(options.labels && { labels: options.labels }),
    withWeights: options.withWeights ?? false,
  });
  const weights = options.withWeights ? ' with its weights' : '';
  return {
    json: snapshotToWire(child),
    text: `Created snapshot ${child.name} (${child.id}) from ${parent.name}${weights}.`,
  };
}

export async function remove(
  session: Session,
  reference: string,
  options: { yes?: boolean; force?: boolean },
): Promise<Answer> {
  const { id, name } = await find(session, 'Snapshot', reference);
  await confirm(session, `delete snapshot ${name} with its metrics and weights`, options.yes);
  await deleteSnapshot(session.platform, session.actor, id, { force: options.force ?? false });
  return { json: { id, deleted: true }, text: `Deleted snapshot ${name}.` };
}

/** Which run holds it is its own business. */
export function snapshotToWire({ run: _run, visible: _visible, ...shown }: Snapshot): Json {
  return shown as Json;
}

function madeFrom(lineage: JsonObject): string {
  return Object.keys(lineage).length === 0 ? '' : JSON.stringify(lineage);
}
