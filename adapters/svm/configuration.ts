import * as z from 'zod/mini';
import { InvalidInput } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/json.ts';
import { nearest } from '../../shared/nearest.ts';
import { parse } from '../../shared/parse.ts';
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

/** Reads the configuration of a snapshot. @throws InvalidInput naming every unknown key with the nearest known one */
export function readConfiguration(configuration: Readonly<JsonObject>): SvmConfiguration {
  const known = Object.keys(SVM_DEFAULTS);
  const unknown = Object.keys(configuration).filter((key) => !known.includes(key));
  if (unknown.length > 0)
    throw new InvalidInput(
      'configuration of the SVM',
      unknown.map((key) => ({
        field: key,
        problem: `there is no such setting; the nearest is ${nearest(key, known)}`,
      })),
    );
  return parse(schema, { ...SVM_DEFAULTS, ...configuration }, 'configuration of the SVM');
}
