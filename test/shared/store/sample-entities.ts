import type { Annotation } from '../../../shared/entities/annotation.ts';
import type { Dataset } from '../../../shared/entities/dataset.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import type { Execution } from '../../../shared/entities/execution.ts';
import type { Item } from '../../../shared/entities/item.ts';
import type { MetricSample } from '../../../shared/entities/metric-sample.ts';
import type { Model } from '../../../shared/entities/model.ts';
import type { Ontology } from '../../../shared/entities/ontology.ts';
import type { Project } from '../../../shared/entities/project.ts';
import type { Recipe } from '../../../shared/entities/recipe.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import type { SnapshotRevision } from '../../../shared/entities/snapshot-revision.ts';
import type { EventTrigger } from '../../../shared/entities/trigger.ts';

const TIME = '2026-01-31T12:00:00.000Z';

export function project(id: string, fields: Partial<Project> = {}): Project {
  return {
    id,
    name: `project ${id}`,
    creator: 'a@b',
    role: 'owner',
    org: null,
    account: null,
    contributors: [],
    featureConstraints: [],
    isBlocked: false,
    createdAt: TIME,
    updatedAt: TIME,
    ...fields,
  };
}

export function dataset(id: string, projectId: string, fields: Partial<Dataset> = {}): Dataset {
  return {
    id,
    name: `dataset ${id}`,
    projects: [projectId],
    creator: 'a@b',
    annotated: 0,
    itemsCount: 0,
    readonly: false,
    metadata: {},
    driver: null,
    readableType: 'x',
    accessLevel: 'x',
    createdAt: TIME,
    ...fields,
  };
}

/** A file of dataset `d1`; its path is `/<id>.jpg` unless given. */
export function item(id: string, fields: Partial<Item> = {}): Item {
  const filename = fields.filename ?? `/${id}.jpg`;
  return {
    id,
    datasetId: 'd1',
    type: 'file',
    filename,
    name: filename.slice(filename.lastIndexOf('/') + 1),
    dir: filename.slice(0, filename.lastIndexOf('/')) || '/',
    hidden: false,
    annotated: false,
    annotationsCount: 0,
    metadata: { system: {} },
    creator: 'a@b',
    createdAt: TIME,
    ...fields,
  };
}

export function annotation(id: string, itemId: string, fields: Partial<Annotation> = {}): Annotation {
  return {
    id,
    itemId,
    datasetId: 'd1',
    type: 'box',
    label: 'cat',
    attributes: [],
    metadata: { system: {} },
    creator: 'a@b',
    createdAt: TIME,
    updatedAt: TIME,
    updatedBy: 'a@b',
    source: 'test',
    hash: null,
    ...fields,
  };
}

export function model(id: string, projectId: string, fields: Partial<Model> = {}): Model {
  return {
    id,
    name: `model ${id}`,
    projectId,
    description: null,
    version: '1.0.0',
    tags: [],
    global: false,
    inputType: null,
    outputType: null,
    entryPoint: 'adapter.ts',
    className: 'Adapter',
    codebase: { type: 'local' },
    configuration: {},
    creator: 'a@b',
    createdAt: TIME,
    updatedAt: TIME,
    ...fields,
  };
}

export function snapshot(id: string, projectId: string, fields: Partial<Snapshot> = {}): Snapshot {
  return {
    id,
    name: `snapshot ${id}`,
    projectId,
    modelId: 'm1',
    datasetId: null,
    parentId: null,
    revision: 0,
    weights: null,
    ontologySpec: { ontologyId: null, labels: [] },
    bucket: { type: 'local' },
    configuration: {},
    status: 'created',
    lineage: {},
    tags: [],
    description: null,
    global: false,
    creator: 'a@b',
    createdAt: TIME,
    updatedAt: TIME,
    ...fields,
  };
}

export function snapshotRevision(
  id: string,
  projectId: string,
  fields: Partial<SnapshotRevision> = {},
): SnapshotRevision {
  return {
    id,
    snapshotId: 's1',
    projectId,
    revision: 1,
    bucket: { type: 'local' },
    weights: { manifestKey: 'manifests/1.x.json', manifestSha256: '0'.repeat(64) },
    configuration: {},
    lineage: {},
    labels: [],
    sizeBytes: 1,
    files: 1,
    executionId: null,
    creator: 'a@b',
    createdAt: TIME,
    ...fields,
  };
}

export function sample(id: string, snapshotId: string, fields: Partial<MetricSample> = {}): MetricSample {
  return { id, snapshotId, figure: 'loss', legend: 'train', x: 0, y: 1, time: TIME, ...fields };
}

export function recipe(id: string, projectIds: string[]): Recipe {
  return {
    id,
    title: id,
    projectIds,
    ontologyIds: [],
    metadata: {},
    creator: 'a@b',
    description: null,
    instructions: null,
    examples: null,
    customActions: null,
    uiSettings: {},
  };
}

export function ontology(id: string, projectIds: string[]): Ontology {
  return {
    id,
    title: id,
    creator: 'a@b',
    roots: [],
    attributes: [],
    metadata: { system: { projectIds } },
  };
}

export function trigger(id: string, projectId: string, fields: Partial<EventTrigger> = {}): EventTrigger {
  return {
    id,
    name: 'trigger',
    type: 'Event',
    active: true,
    projectId,
    spec: {
      filter: {},
      resource: 'Item',
      actions: ['Created'],
      executionMode: 'Once',
      input: {},
      operation: { type: 'function', functionName: 'predict' },
    },
    scope: 'project',
    global: false,
    creator: 'a@b',
    createdAt: TIME,
    updatedAt: TIME,
    ...fields,
  };
}

export function execution(id: string, projectId: string | null, fields: Partial<Execution> = {}): Execution {
  return {
    id,
    functionName: 'predict',
    projectId,
    serviceId: null,
    input: {},
    output: null,
    error: null,
    status: [],
    latestStatus: { timestamp: TIME, status: 'created' },
    duration: 0,
    attempts: 0,
    maxAttempts: 1,
    toTerminate: false,
    triggerId: null,
    caller: 'http',
    lease: null,
    creator: 'a@b',
    createdAt: TIME,
    updatedAt: TIME,
    ...fields,
  };
}

export function event(id: string): DatasetEvent {
  return {
    id,
    resource: 'Item',
    action: 'Created',
    resourceId: 'i1',
    datasetId: 'd1',
    projectId: 'p1',
  };
}
