import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { compareMetricNumbers } from '../entities/metric-number.ts';
import {
  type CheckedMetricSample,
  type MetricSample,
  newMetricSampleSchema,
} from '../entities/metric-sample.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { snapshotFor } from './model-access.ts';

/** Points of one call. */
export const MAX_SAMPLES = 10_000;

/** Which curves to read: all of them when nothing is given. Names are exact. */
export interface CurveChoice {
  figure?: string | undefined;
  legend?: string | undefined;
}

/**
 * Puts points on a snapshot's curves: one sample or an array of at most 10,000, all or none. The same points again are
 * more points: a curve is a log.
 * @throws InvalidInput for a value that is not a number or has no name, EntityNotFound
 */
export async function logMetrics(
  platform: Platform,
  actor: Actor,
  snapshotId: string,
  input: unknown,
): Promise<MetricSample[]> {
  const list: unknown = Array.isArray(input) ? input : [input];
  const schema = z.array(newMetricSampleSchema).check(z.maxLength(MAX_SAMPLES));
  const points = parse(schema, list, 'list of metric samples');
  await snapshotFor(platform.store, actor, snapshotId);
  return logPoints(
    platform,
    actor,
    points.map((point) => ({ snapshotId, point })),
  );
}

/** A point, and whose curve it belongs to. */
export interface PointOf {
  snapshotId: string;
  point: CheckedMetricSample;
}

/**
 * Puts checked points on the curves of one or more snapshots, all or none. `nextId` names each; points of a name that is
 * there are written over. @throws EntityNotFound
 */
export async function logPoints(
  platform: Platform,
  actor: Actor,
  points: readonly PointOf[],
  nextId: () => string = () => platform.ids.objectId(),
): Promise<MetricSample[]> {
  const now = isoTime(platform.clock);
  const samples = points.map(
    ({ snapshotId, point: { figure, legend, x, y, time } }): MetricSample => ({
      id: nextId(),
      snapshotId,
      figure,
      legend,
      x,
      y,
      time: time ?? now,
    }),
  );
  await platform.store.transaction(async (store) => {
    for (const id of new Set(points.map(({ snapshotId }) => snapshotId))) await snapshotFor(store, actor, id);
    if (samples.length > 0) await store.upsert('MetricSample', samples);
  });
  return samples;
}

/** The points of a snapshot, ordered by figure, legend, x, then as they came. @throws EntityNotFound */
export async function readMetrics(
  platform: Platform,
  actor: Actor,
  snapshotId: string,
  choice: CurveChoice = {},
): Promise<MetricSample[]> {
  await snapshotFor(platform.store, actor, snapshotId);
  const samples = await listMatches(platform.store, 'MetricSample', { filter: filterOf(snapshotId, choice) });
  return samples.sort(
    (a, b) => byText(a.figure, b.figure) || byText(a.legend, b.legend) || compareMetricNumbers(a.x, b.x),
  );
}

/** Takes points off the curves; answers how many. @throws EntityNotFound */
export async function deleteMetrics(
  platform: Platform,
  actor: Actor,
  snapshotId: string,
  choice: CurveChoice = {},
): Promise<number> {
  return platform.store.transaction(async (store) => {
    await snapshotFor(store, actor, snapshotId);
    const ids = await store.ids('MetricSample', { filter: filterOf(snapshotId, choice) });
    let deleted = 0;
    for (const chunk of chunksOf(ids)) deleted += await store.delete('MetricSample', chunk);
    return deleted;
  });
}

/** `$in` is exact; plain equality would read a `*` in a name as a wildcard. */
function filterOf(snapshotId: string, { figure, legend }: CurveChoice): JsonObject {
  const conditions: JsonObject[] = [{ snapshotId: { $in: [snapshotId] } }];
  if (figure !== undefined) conditions.push({ figure: { $in: [figure] } });
  if (legend !== undefined) conditions.push({ legend: { $in: [legend] } });
  return { $and: conditions };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
