import * as z from 'zod/mini';
import { idSchema, timeSchema } from './fields.ts';

/** One point of a curve of a snapshot: figure "loss", legend "train", x = epoch, y = value. */
export const metricSampleSchema = z.object({
  id: idSchema,
  snapshotId: idSchema,
  /** The plot it belongs to. */
  figure: z.string().check(z.minLength(1), z.maxLength(255)),
  /** The line within the plot. */
  legend: z.string().check(z.minLength(1), z.maxLength(255)),
  x: z.number(),
  y: z.number(),
  time: timeSchema,
});
export type MetricSample = z.output<typeof metricSampleSchema>;

export const newMetricSampleSchema = z.object({
  figure: metricSampleSchema.shape.figure,
  legend: metricSampleSchema.shape.legend,
  x: z.number(),
  y: z.number(),
  time: z.optional(timeSchema),
});
export type NewMetricSample = z.output<typeof newMetricSampleSchema>;
