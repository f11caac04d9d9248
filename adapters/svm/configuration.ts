import * as z from 'zod/mini';
import type { InputProblem } from '../../shared/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { findSettingsProblems, findUnknownLabels, readSettings } from '../read-settings.ts';
import { MAX_COEF0, MAX_DEGREE } from './engine/parameters.ts';

const positive = z.number().check(z.gt(0));

const schema = z.strictObject({
  kernel: z.enum(['rbf', 'linear', 'poly', 'sigmoid']),
  /** Price of a sample on the wrong side of its margin. */
  C: positive,
  /** Of all kernels but the linear one. `scale`: 1 / (features * variance), `auto`: 1 / features, as scikit-learn. */
  gamma: z.union([positive, z.literal('scale'), z.literal('auto')]),
  /** Constant of the polynomial and the sigmoid kernel. */
  coef0: z.number().check(z.gte(-MAX_COEF0), z.lte(MAX_COEF0)),
  /** Of the polynomial kernel. */
  degree: z.int().check(z.gte(1), z.lte(MAX_DEGREE)),
  image: z.strictObject({
    /** Target size in pixels; null: the items' own, which must then all be the same. */
    width: z.nullable(z.int().check(z.gte(1), z.lte(4096))),
    height: z.nullable(z.int().check(z.gte(1), z.lte(4096))),
    channels: z.union([z.literal(1), z.literal(3)]),
    /** Grey levels 0..255 are divided by this. */
    scale: positive,
  }),
  /** Take off each feature's mean and divide by its deviation, both of the training samples. */
  standardise: z.boolean(),
  /** `balanced`: C of a class times samples / (classes * samples of the class). Or a factor by label. */
  classWeights: z.union([z.null(), z.literal('balanced'), z.record(z.string(), positive)]),
  /** Name of a number above 0 in an item's `metadata.user`: a factor on C for this item; 1 where it is missing. */
  itemWeights: z.nullable(z.string().check(z.minLength(1))),
  /** Confidences are probabilities, learned with five more trainings for each pair of classes. */
  probability: z.boolean(),
  /** Largest violation of the optimality conditions left, in (0, 1). */
  tolerance: z.number().check(z.gt(0), z.lt(1)),
  /** Cap for each pair of classes; null: libsvm's. */
  maxIterations: z.nullable(z.int().check(z.gte(1))),
  /** Memory for kernel rows during training. */
  cacheBytes: z.int().check(z.gte(0)),
});
export type SvmConfiguration = z.output<typeof schema>;

export const SVM_DEFAULTS = {
  kernel: 'rbf',
  C: 1,
  gamma: 'scale',
  coef0: 0,
  degree: 3,
  image: { width: null, height: null, channels: 1, scale: 255 },
  standardise: false,
  classWeights: null,
  itemWeights: null,
  probability: false,
  tolerance: 1e-3,
  maxIterations: null,
  cacheBytes: 128 * 2 ** 20,
} satisfies JsonObject;

const FORM = { schema, defaults: SVM_DEFAULTS };

/** Reads the configuration of a snapshot. @throws InvalidInput with every problem */
export function readConfiguration(configuration: Readonly<JsonObject>): SvmConfiguration {
  return readSettings(FORM, configuration, 'configuration of the SVM');
}

/** As `ModelAdapterClass.checkConfiguration`. */
export function checkConfiguration(
  configuration: Readonly<JsonObject>,
  labels?: readonly string[],
): InputProblem[] {
  const { classWeights } = configuration;
  const weighted = isJsonObject(classWeights) ? Object.keys(classWeights) : [];
  return [
    ...findSettingsProblems(FORM, configuration),
    ...findUnknownLabels(
      'classWeights',
      weighted.map((label) => [label, label] as const),
      labels,
    ),
  ];
}
