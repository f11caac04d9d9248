/** What a user's adapter or function imports as `modelfn`. */

export type { Annotation } from '../shared/entities/annotation.ts';
export type { Dataset } from '../shared/entities/dataset.ts';
export type { Item, Partition } from '../shared/entities/item.ts';
export type { NewMetricSample } from '../shared/entities/metric-sample.ts';
export type { Model } from '../shared/entities/model.ts';
export type { Project } from '../shared/entities/project.ts';
export type { Snapshot } from '../shared/entities/snapshot.ts';
export { Cancelled, InvalidInput, isModelfnError, ModelfnError } from '../shared/errors.ts';
export type { Json, JsonObject } from '../shared/json.ts';
export * from './model-adapter.ts';
export * from './service-runner.ts';
