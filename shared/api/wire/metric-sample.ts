import type { MetricSample } from '../../entities/metric-sample.ts';
import type { JsonObject } from '../../json.ts';

/** One point of a curve: all it has. */
export function metricSampleToWire({ id, snapshotId, figure, legend, x, y, time }: MetricSample): JsonObject {
  return { id, snapshotId, figure, legend, x, y, time };
}
