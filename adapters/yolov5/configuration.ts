import * as z from 'zod/mini';
import type { InputProblem } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/json.ts';
import { findUnmappedLabels, labelMapSchema } from '../onnx-engine/class-labels.ts';
import { findSettingsProblems, readSettings } from '../read-settings.ts';

const share = z.number().check(z.gte(0), z.lte(1));

const schema = z.strictObject({
  weights_filename: z.nullable(z.string()),
  img_size: z.int().check(z.gte(32), z.lte(4096)),
  conf_thres: share,
  iou_thres: share,
  max_det: z.int().check(z.gte(1), z.lte(30_000)),
  agnostic_nms: z.boolean(),
  nms_in_graph: z.boolean(),
  id_to_label_map: z.nullable(labelMapSchema),
  classes: z.nullable(z.int().check(z.gte(1), z.lte(100_000))),
  batch_size: z.int().check(z.gte(1), z.lte(256)),
  threads: z.nullable(z.int().check(z.gte(1), z.lte(256))),
});
export type YoloConfiguration = z.output<typeof schema>;

/** Thresholds and names are those of YOLOv5's own detection. */
export const YOLOV5_DEFAULTS = {
  weights_filename: null,
  img_size: 640,
  conf_thres: 0.25,
  iou_thres: 0.45,
  max_det: 1000,
  agnostic_nms: false,
  nms_in_graph: false,
  id_to_label_map: null,
  classes: null,
  batch_size: 8,
  threads: null,
} satisfies JsonObject;

const FORM = { schema, defaults: YOLOV5_DEFAULTS };

/** @throws InvalidInput with every problem */
export function readConfiguration(configuration: Readonly<JsonObject>): YoloConfiguration {
  return readSettings(FORM, configuration, 'configuration of YOLOv5');
}

/** As `ModelAdapterClass.checkConfiguration`. */
export function checkConfiguration(
  configuration: Readonly<JsonObject>,
  labels?: readonly string[],
): InputProblem[] {
  return [...findSettingsProblems(FORM, configuration), ...findUnmappedLabels(configuration, labels)];
}
