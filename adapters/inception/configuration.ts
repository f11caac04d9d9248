import * as z from 'zod/mini';
import type { InputProblem } from '../../shared/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { findUnmappedLabels, labelMapSchema } from '../onnx-engine/class-labels.ts';
import { CLASS_KINDS } from '../onnx-engine/class-scores.ts';
import { IMAGE_INPUT_DEFAULTS, imageInputSchema } from '../onnx-engine/image-input.ts';
import { findSettingsProblems, readSettings } from '../read-settings.ts';

const schema = z.strictObject({
  weights_filename: z.nullable(z.string()),
  input: imageInputSchema,
  embedding_output: z.string(),
  probabilities_output: z.nullable(z.string()),
  probabilities_kind: z.enum(CLASS_KINDS),
  id_to_label_map: z.nullable(labelMapSchema),
  /** Price of a wrong answer beside that of large weights. */
  C: z.number().check(z.gt(0)),
  /** The training ends when no part of the slope is above this times C and the number of items. */
  tolerance: z.number().check(z.gt(0), z.lt(1)),
  max_iterations: z.int().check(z.gte(1), z.lte(100_000)),
  top_k: z.int().check(z.gte(1), z.lte(1000)),
  embeddings: z.boolean(),
  batch_size: z.int().check(z.gte(1), z.lte(256)),
  threads: z.nullable(z.int().check(z.gte(1), z.lte(256))),
});
export type InceptionConfiguration = z.output<typeof schema>;

/** The input is that of Inception v3: 299 x 299, levels brought to -1..1. */
export const INCEPTION_DEFAULTS = {
  weights_filename: null,
  input: {
    ...(structuredClone(IMAGE_INPUT_DEFAULTS) as unknown as JsonObject),
    width: 299,
    height: 299,
    mean: [0.5],
    std: [0.5],
  },
  embedding_output: 'embedding',
  probabilities_output: 'probs',
  probabilities_kind: 'probabilities',
  id_to_label_map: null,
  C: 1,
  tolerance: 1e-5,
  max_iterations: 500,
  top_k: 1,
  embeddings: false,
  batch_size: 8,
  threads: null,
} satisfies JsonObject;

const FORM = { schema, defaults: INCEPTION_DEFAULTS };

/** Of `input` only what differs from the defaults is given. @throws InvalidInput with every problem */
export function readConfiguration(configuration: Readonly<JsonObject>): InceptionConfiguration {
  return readSettings(FORM, withWholeInput(configuration), 'configuration of Inception');
}

/** As `ModelAdapterClass.checkConfiguration`. */
export function checkConfiguration(
  configuration: Readonly<JsonObject>,
  labels?: readonly string[],
): InputProblem[] {
  const problems = findSettingsProblems(FORM, withWholeInput(configuration));
  return [...problems, ...findUnmappedLabels(configuration, labels)];
}

function withWholeInput(configuration: Readonly<JsonObject>): JsonObject {
  const { input } = configuration;
  return {
    ...configuration,
    ...(isJsonObject(input) && { input: { ...INCEPTION_DEFAULTS.input, ...input } }),
  };
}
