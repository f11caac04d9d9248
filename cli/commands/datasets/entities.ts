import {
  createDataset,
  deleteDataset,
  getDataset,
  listDatasets,
  setReadonly,
} from '../../../shared/catalog/datasets.ts';
import type { Dataset } from '../../../shared/entities/dataset.ts';
import { type Item, PARTITIONS, partitionOf, systemMetadata } from '../../../shared/entities/item.ts';
import { labelsOf } from '../../../shared/entities/ontology.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import type { Answer } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { jsonObjectOption } from '../../options.ts';
import { fields, table } from '../../output/table.ts';
import { countText, sizeText } from '../../output/units.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';

export async function createOne(
  session: Session,
  name: string,
  options: { project: string },
): Promise<Answer> {
  const project = await find(session, 'Project', options.project);
  const dataset = await createDataset(session.platform, session.actor, { name, projects: [project.id] });
  return {
    json: dataset as Json,
    text: `Created dataset ${dataset.name} (${dataset.id}) in project ${project.name}.`,
  };
}

export async function listAll(session: Session, options: { project?: string }): Promise<Answer> {
  const { platform, actor } = session;
  const project = options.project === undefined ? undefined : await find(session, 'Project', options.project);
  const datasets = await listDatasets(platform, actor, project && { projectId: project.id });
  const rows = datasets.map((each) => [
    each.name,
    each.id,
    each.itemsCount,
    each.annotated,
    each.readonly ? 'yes' : '',
  ]);
  const empty = 'No datasets yet. Make one with: modelfn datasets create <name> --project <project>';
  return {
    json: datasets as Json,
    text: table(['NAME', 'ID', 'ITEMS', 'ANNOTATED', 'LOCKED'], rows, empty),
  };
}

export async function showOne(session: Session, reference: string): Promise<Answer> {
  const { id } = await find(session, 'Dataset', reference);
  const dataset = await getDataset(session.platform, session.actor, id);
  const partitions = await countPartitions(session, id);
  const labels = await labelsOfDataset(session, dataset);
  return {
    json: { ...dataset, partitions, labels } as Json,
    text: fields([
      ['name', dataset.name],
      ['id', dataset.id],
      ['items', dataset.itemsCount],
      ['annotated', dataset.annotated],
      ...Object.entries(partitions),
      ['labels', labels.join(', ')],
      ['locked', dataset.readonly],
      ['created', dataset.createdAt],
    ]),
  };
}

export async function listItems(
  session: Session,
  reference: string,
  options: { filter?: string; limit: number },
): Promise<Answer> {
  const { id } = await find(session, 'Dataset', reference);
  const filter = (await jsonObjectOption(session.io, '--filter', options.filter)) ?? {};
  const page = await session.platform.store.query('Item', {
    filter: { $and: [{ type: 'file' }, { hidden: false }, filter] },
    scope: { datasetId: id },
    sort: [{ field: 'filename', direction: 'ascending' }],
    pageSize: Math.min(10_000, Math.max(1, options.limit)),
  });
  const rows = page.items.map((item) => {
    const { size, mimetype } = systemMetadata(item);
    return [
      item.filename,
      item.id,
      String(mimetype ?? ''),
      typeof size === 'number' ? sizeText(size) : '',
      partitionOf(item) ?? '',
      item.annotationsCount,
    ];
  });
  const more =
    page.totalItemsCount > page.items.length
      ? `\n${page.items.length} of ${countText(page.totalItemsCount, 'item')}; see more with --limit.`
      : '';
  return {
    json: { ...page, items: page.items.map(itemToWire) },
    text: `${table(['PATH', 'ID', 'TYPE', 'SIZE', 'PARTITION', 'ANNOTATIONS'], rows, 'No items.')}${more}`,
  };
}

export function lock(session: Session, reference: string): Promise<Answer> {
  return setLock(session, reference, true);
}

export function unlock(session: Session, reference: string): Promise<Answer> {
  return setLock(session, reference, false);
}

export async function remove(
  session: Session,
  reference: string,
  options: { yes?: boolean },
): Promise<Answer> {
  const { platform, actor } = session;
  const { id } = await find(session, 'Dataset', reference);
  const dataset = await getDataset(platform, actor, id);
  const what = `delete dataset ${dataset.name} with ${countText(dataset.itemsCount, 'item')}`;
  await confirm(session, what, options.yes);
  await deleteDataset(platform, actor, id);
  return { json: { id, deleted: true }, text: `Deleted dataset ${dataset.name}.` };
}

async function setLock(session: Session, reference: string, readonly: boolean): Promise<Answer> {
  const { id } = await find(session, 'Dataset', reference);
  const dataset = await setReadonly(session.platform, session.actor, id, readonly);
  const text = readonly ? `Locked dataset ${dataset.name}.` : `Unlocked dataset ${dataset.name}.`;
  return { json: dataset as Json, text };
}

async function countPartitions({ platform }: Session, datasetId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const partition of PARTITIONS) {
    const filter: JsonObject = {
      'metadata.system.snapshotPartition': partition,
      type: 'file',
      hidden: false,
    };
    counts[partition] = await platform.store.count('Item', { filter, scope: { datasetId } });
  }
  return counts;
}

async function labelsOfDataset({ platform }: Session, dataset: Dataset): Promise<string[]> {
  const recipes = systemMetadata(dataset).recipes;
  const recipeIds = Array.isArray(recipes) ? recipes.filter((id) => typeof id === 'string') : [];
  const found = await platform.store.getMany('Recipe', recipeIds);
  const ontologyIds = found.flatMap(({ entity }) => entity.ontologyIds);
  const ontologies = await platform.store.getMany('Ontology', ontologyIds);
  return [...new Set(ontologies.flatMap(({ entity }) => labelsOf(entity)))];
}

/** Where an item's bytes lie is nobody's business. */
function itemToWire({ content: _content, ...shown }: Item): Json {
  return shown as Json;
}
