import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import type { InputProblem } from '../../shared/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { findUnmappedLabels, labelMapSchema } from '../onnx-engine/class-labels.ts';
import { CLASS_KINDS } from '../onnx-engine/class-scores.ts';
import { IMAGE_INPUT_DEFAULTS, imageInputSchema } from '../onnx-engine/image-input.ts';
import { TENSOR_INPUT_DEFAULTS, tensorInputSchema } from '../onnx-engine/tensor-input.ts';
import { findSettingsProblems, readSettings } from '../read-settings.ts';

const share = z.number().check(z.gte(0), z.lte(1));

const outputSchema = z.strictObject({
  /** Null: the model's only one. */
  name: z.nullable(z.string()),
  kind: z.enum([...CLASS_KINDS, 'yolov5', 'yolov8', 'yolox', 'boxes', 'embedding', 'tensor']),
  /** Number of classes of a detector whose output has more columns, such as mask coefficients. */
  classes: z.optional(z.int().check(z.gte(1), z.lte(100_000))),
  /** Boxes are relative to the size of the input, 0..1, and not in pixels. */
  relative: z.optional(z.boolean()),
  /** A whole number becomes (number - zero_point) * scale. */
  scale: z.optional(z.number().check(z.gt(0))),
  zero_point: z.optional(z.int()),
});
export type OutputSpec = z.output<typeof outputSchema>;

const settings = {
  weights_filename: z.nullable(z.string()),
  outputs: z.array(outputSchema).check(z.minLength(1), z.maxLength(16)),
  id_to_label_map: z.nullable(labelMapSchema),
  top_k: z.int().check(z.gte(1), z.lte(1000)),
  conf_thres: share,
  iou_thres: share,
  max_det: z.int().check(z.gte(1), z.lte(30_000)),
  agnostic_nms: z.boolean(),
  batch_size: z.int().check(z.gte(1), z.lte(256)),
  threads: z.nullable(z.int().check(z.gte(1), z.lte(256))),
};
const imageSchema = z.strictObject({ ...settings, input: imageInputSchema });
const tensorSchema = z.strictObject({ ...settings, input: tensorInputSchema });
export type OnnxConfiguration = z.output<typeof imageSchema> | z.output<typeof tensorSchema>;

export const ONNX_DEFAULTS = {
  weights_filename: null,
  input: structuredClone(IMAGE_INPUT_DEFAULTS) as unknown as JsonObject,
  outputs: [{ name: null, kind: 'probabilities' }],
  id_to_label_map: null,
  top_k: 1,
  conf_thres: 0.25,
  iou_thres: 0.45,
  max_det: 300,
  agnostic_nms: false,
  batch_size: 8,
  threads: null,
} satisfies JsonObject;

/** Of `input` only what differs from the defaults is given. @throws InvalidInput with every problem */
export function readConfiguration(configuration: Readonly<JsonObject>): OnnxConfiguration {
  return readSettings(
    formOf(configuration),
    withWholeInput(configuration),
    'configuration of the ONNX adapter',
  );
}

/** As `ModelAdapterClass.checkConfiguration`. */
export function checkConfiguration(
  configuration: Readonly<JsonObject>,
  labels?: readonly string[],
): InputProblem[] {
  const problems = findSettingsProblems(formOf(configuration), withWholeInput(configuration));
  return [...problems, ...findUnmappedLabels(configuration, labels)];
}

function formOf({ input }: Readonly<JsonObject>) {
  const isTensor = isJsonObject(input) && input.kind === 'tensor';
  return { schema: isTensor ? tensorSchema : imageSchema, defaults: ONNX_DEFAULTS };
}

function withWholeInput(configuration: Readonly<JsonObject>): JsonObject {
  const { input } = configuration;
  return { ...configuration, ...(isJsonObject(input) && { input: wholeInput(input) }) };
}

function wholeInput(input: JsonObject): JsonObject {
  if (input.kind !== 'tensor') return { ...ONNX_DEFAULTS.input, ...input };
  // The class's defaults are those of an image, and lie below what a model configures.
  const defaults = ONNX_DEFAULTS.input as JsonObject;
  const own = Object.entries(input).filter(
    ([key, value]) => key in TENSOR_INPUT_DEFAULTS || !isDeepStrictEqual(value, defaults[key]),
  );
  return { ...TENSOR_INPUT_DEFAULTS, ...Object.fromEntries(own) };
}
