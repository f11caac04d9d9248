/** What a user's adapter imports as `modelfn`. */

export type { Annotation } from '../shared/entities/annotation.ts';
export type { Item, Partition } from '../shared/entities/item.ts';
export type { NewMetricSample } from '../shared/entities/metric-sample.ts';
export { Cancelled, InvalidInput, isModelfnError, ModelfnError } from '../shared/errors.ts';
export type { Json, JsonObject } from '../shared/json.ts';
export * from './model-adapter.ts';
