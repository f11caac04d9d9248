import type { EntityKinds } from '../entities/kinds.ts';
import { isJsonObject } from '../json.ts';
import type { ReferenceKind } from './reference.ts';

/**
 * The projects each entity belongs to, in the order given. Items and annotations belong where their dataset does;
 * all datasets are read at once. A global model or package belongs everywhere: `undefined`.
 */
export async function projectsOf<K extends ReferenceKind>(
  kind: K,
  entities: readonly EntityKinds[K][],
  readDatasets: (ids: readonly string[]) => Promise<ReadonlyMap<string, EntityKinds['Dataset']>>,
): Promise<(readonly string[] | undefined)[]> {
  if (kind === 'Item' || kind === 'Annotation') {
    const inDatasets = entities as readonly EntityKinds['Item'][];
    const datasets = await readDatasets([...new Set(inDatasets.map((each) => each.datasetId))]);
    return inDatasets.map((each) => datasets.get(each.datasetId)?.projects ?? []);
  }
  return entities.map((entity) => ownProjects(kind, entity));
}

function ownProjects<K extends ReferenceKind>(
  kind: K,
  entity: EntityKinds[K],
): readonly string[] | undefined {
  const fields = entity as Partial<{
    id: string;
    projectId: string | null;
    projects: string[];
    projectIds: string[];
    global: boolean;
    metadata: EntityKinds['Ontology']['metadata'];
  }>;
  if (kind === 'Project') return [fields.id!];
  if ((kind === 'Model' || kind === 'Package') && fields.global) return undefined;
  if (kind === 'Ontology') {
    const ids = isJsonObject(fields.metadata?.system) ? fields.metadata.system.projectIds : [];
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  }
  if (fields.projects) return fields.projects;
  if (fields.projectIds) return fields.projectIds;
  return fields.projectId ? [fields.projectId] : [];
}
