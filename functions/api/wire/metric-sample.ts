import type { MetricSample } from '../../../shared/entities/metric-sample.ts';
import type { JsonObject } from '../../../shared/json.ts';

/** One point of a curve: all it has. */
export function metricSampleToWire({ id, snapshotId, figure, legend, x, y, time }: MetricSample): JsonObject {
  return { id, snapshotId, figure, legend, x, y, time };
}
