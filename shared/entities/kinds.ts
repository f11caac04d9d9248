import type { Annotation } from './annotation.ts';
import type { Dataset } from './dataset.ts';
import type { Execution } from './execution.ts';
import type { Item } from './item.ts';
import type { MetricSample } from './metric-sample.ts';
import type { Model } from './model.ts';
import type { Ontology } from './ontology.ts';
import type { Package } from './package.ts';
import type { Pipeline, PipelineExecution } from './pipeline.ts';
import type { Project } from './project.ts';
import type { Recipe } from './recipe.ts';
import type { Service } from './service.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotRevision } from './snapshot-revision.ts';
import type { Trigger } from './trigger.ts';

/** Every kind of entity the store keeps, by the name that references and errors use. */
export interface EntityKinds {
  Project: Project;
  Dataset: Dataset;
  Recipe: Recipe;
  Ontology: Ontology;
  Item: Item;
  Annotation: Annotation;
  Model: Model;
  Snapshot: Snapshot;
  Execution: Execution;
  Trigger: Trigger;
  MetricSample: MetricSample;
  Pipeline: Pipeline;
  PipelineExecution: PipelineExecution;
  SnapshotRevision: SnapshotRevision;
  Package: Package;
  Service: Service;
}
export type EntityKind = keyof EntityKinds;
