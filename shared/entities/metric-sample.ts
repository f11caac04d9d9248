import * as z from 'zod/mini';
import { idSchema, timeSchema } from './fields.ts';
import { givenMetricNumberSchema, metricNumberSchema } from './metric-number.ts';

/** One point of a curve of a snapshot: figure "loss", legend "train", x = epoch, y = value. */
export const metricSampleSchema = z.object({
  id: idSchema,
  snapshotId: idSchema,
  /** The plot it belongs to. */
  figure: z.string().check(z.minLength(1), z.maxLength(255)),
  /** The line within the plot. */
  legend: z.string().check(z.minLength(1), z.maxLength(255)),
  x: metricNumberSchema,
  y: metricNumberSchema,
  time: timeSchema,
});
export type MetricSample = z.output<typeof metricSampleSchema>;

export const newMetricSampleSchema = z.object({
  figure: metricSampleSchema.shape.figure,
  legend: metricSampleSchema.shape.legend,
  x: givenMetricNumberSchema,
  y: givenMetricNumberSchema,
  time: z.optional(timeSchema),
});
/** Numbers may be NaN or infinite: they are stored as text. */
export type NewMetricSample = z.input<typeof newMetricSampleSchema>;
export type CheckedMetricSample = z.output<typeof newMetricSampleSchema>;
