import type { EntityKind, EntityKinds } from '../entities/kinds.ts';

/** One table: a row an entity, the document whole, and columns over what is filtered, sorted or unique. */
export interface Table {
  readonly name: string;
  /** Column -> path in the document. Texts alone: a column is compared as text. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  /** Column -> path of a field that is true, false or missing; the column holds its JSON type. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
  /** Lists of columns of which no two rows have the same. */
  readonly unique: readonly (readonly string[])[];
  readonly indexes: readonly (readonly string[])[];
  /** Columns that most rows leave empty: their index holds the others alone, so that a row without it costs nothing. */
  readonly sparse?: readonly string[];
}

/** The tables of every store. A change here is a new migration. */
export const TABLES: Readonly<Record<EntityKind, Table>> = {
  Project: { name: 'projects', columns: { name: ['name'] }, unique: [['name']], indexes: [] },
  Dataset: {
    name: 'datasets',
    columns: { project_id: ['projects', '0'], name: ['name'] },
    unique: [['project_id', 'name']],
    indexes: [['name']],
  },
  Recipe: { name: 'recipes', columns: {}, unique: [], indexes: [] },
  Ontology: { name: 'ontologies', columns: {}, unique: [], indexes: [] },
  Item: {
    name: 'items',
    columns: {
      dataset_id: ['datasetId'],
      filename: ['filename'],
      dir: ['dir'],
      name: ['name'],
      type: ['type'],
      partition: ['metadata', 'system', 'snapshotPartition'],
    },
    flags: { hidden: ['hidden'], annotated: ['annotated'] },
    unique: [['dataset_id', 'filename']],
    indexes: [
      // All that a listing and its count look at by default: no document is read for them. `type` comes last, or the
      // planner would prefer this index to one that finds a folder or a name.
      ['dataset_id', 'hidden', 'annotated', 'type'],
      ['dataset_id', 'dir'],
      ['dataset_id', 'partition'],
    ],
  },
  Annotation: {
    name: 'annotations',
    columns: {
      dataset_id: ['datasetId'],
      item_id: ['itemId'],
      type: ['type'],
      label: ['label'],
      creator: ['creator'],
      snapshot_id: ['metadata', 'user', 'model', 'snapshot_id'],
    },
    unique: [],
    indexes: [['item_id'], ['dataset_id', 'label'], ['snapshot_id', 'item_id'], ['creator']],
  },
  Model: {
    name: 'models',
    columns: { project_id: ['projectId'], name: ['name'] },
    unique: [['project_id', 'name']],
    indexes: [],
  },
  Snapshot: {
    name: 'snapshots',
    columns: {
      project_id: ['projectId'],
      model_id: ['modelId'],
      dataset_id: ['datasetId'],
      parent_id: ['parentId'],
      name: ['name'],
      status: ['status'],
    },
    unique: [['model_id', 'name']],
    indexes: [['project_id'], ['parent_id'], ['dataset_id']],
  },
  Execution: {
    name: 'executions',
    columns: {
      project_id: ['projectId'],
      function_name: ['functionName'],
      latest_status: ['latestStatus', 'status'],
      trigger_id: ['triggerId'],
    },
    unique: [],
    indexes: [['project_id', 'function_name']],
    sparse: ['trigger_id'],
  },
  Trigger: {
    name: 'triggers',
    columns: { project_id: ['projectId'], name: ['name'] },
    unique: [],
    indexes: [['project_id']],
  },
  MetricSample: {
    name: 'metric_samples',
    columns: { snapshot_id: ['snapshotId'], figure: ['figure'], legend: ['legend'] },
    unique: [],
    indexes: [['snapshot_id', 'figure', 'legend']],
  },
  Pipeline: {
    name: 'pipelines',
    columns: { project_id: ['projectId'], name: ['name'] },
    unique: [['project_id', 'name']],
    indexes: [],
  },
  PipelineExecution: {
    name: 'pipeline_executions',
    columns: { project_id: ['projectId'], pipeline_id: ['pipelineId'], status: ['status'] },
    unique: [],
    indexes: [['project_id'], ['pipeline_id'], ['status']],
  },
  SnapshotRevision: {
    name: 'snapshot_revisions',
    columns: { project_id: ['projectId'], snapshot_id: ['snapshotId'] },
    unique: [],
    indexes: [['snapshot_id'], ['project_id']],
  },
  Package: {
    name: 'packages',
    columns: { project_id: ['projectId'], name: ['name'] },
    unique: [['project_id', 'name']],
    indexes: [],
  },
  Service: {
    name: 'services',
    columns: { project_id: ['projectId'], name: ['name'], package_id: ['packageId'] },
    unique: [['project_id', 'name']],
    indexes: [['package_id']],
  },
};

/** The column that holds a field's text, by its path. */
export function columnOf(kind: EntityKind, path: readonly string[]): string | undefined {
  if (path.length === 1 && path[0] === 'id') return 'id';
  return columnAt(TABLES[kind].columns, path);
}

/** The column that holds the JSON type of a field that is true, false or missing. */
export function flagOf(kind: EntityKind, path: readonly string[]): string | undefined {
  return columnAt(TABLES[kind].flags ?? {}, path);
}

/** The columns of an entity's row, in the order of `columnNames`. A number or a list in a text's place is left out. */
export function columnValues(kind: EntityKind, entity: EntityKinds[EntityKind]): (string | null)[] {
  const { columns, flags = {} } = TABLES[kind];
  const texts = Object.values(columns).map((path) => {
    const value = valueAt(entity, path);
    return typeof value === 'string' ? value : null;
  });
  const types = Object.values(flags).map((path) => {
    const value = valueAt(entity, path);
    return value === undefined ? null : String(value);
  });
  return [...texts, ...types];
}

/** Names of a table's own columns: the texts, then the flags. */
export function columnNames(kind: EntityKind): string[] {
  const { columns, flags = {} } = TABLES[kind];
  return [...Object.keys(columns), ...Object.keys(flags)];
}

function valueAt(entity: unknown, path: readonly string[]): unknown {
  let value: unknown = entity;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function columnAt(
  columns: Readonly<Record<string, readonly string[]>>,
  path: readonly string[],
): string | undefined {
  // Names of a filter are never places in a list.
  if (path.some((part) => /^\d+$/.test(part))) return undefined;
  const wanted = path.join('.');
  return Object.keys(columns).find((column) => columns[column]!.join('.') === wanted);
}
