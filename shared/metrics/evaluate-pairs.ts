import type { Evaluation, EvaluationPair } from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../json.ts';
import { evaluateClasses } from './classification.ts';
import { evaluateBoxes } from './detection.ts';
import { itemsOf, type Judgement, type KindEvaluation } from './evaluation-kind.ts';
import { evaluateMasks, isMaskType } from './segmentation.ts';

/** Where nothing else is asked for. */
export const DEFAULT_JUDGEMENT: Judgement = Object.freeze({ iou: 0.5, confidence: 0.5 });

/**
 * Compares by the types of annotation that truth or predictions have: `class`, `box`, and `segment` with `binary`; each
 * that occurs, and `class` when none does. Truth and prediction have to have the very same label. Where several kinds
 * occur, a number that two of them have has the name of the kind before it, as `box.precision`.
 */
export function evaluatePairs(
  pairs: readonly EvaluationPair[],
  labels: readonly string[],
  judgement: Judgement = DEFAULT_JUDGEMENT,
): Evaluation {
  const types = new Set(
    pairs.flatMap(({ groundTruth, predictions }) => [...groundTruth, ...predictions].map(({ type }) => type)),
  );
  const kinds: Record<string, KindEvaluation> = {};
  const hasBoxes = types.has('box');
  const hasMasks = [...types].some(isMaskType);
  if (types.has('class') || pairs.some(({ label }) => label !== undefined) || !(hasBoxes || hasMasks))
    kinds.class = evaluateClasses(pairs, labels);
  if (hasBoxes) kinds.box = evaluateBoxes(pairs, labels, judgement);
  if (hasMasks) kinds.mask = evaluateMasks(pairs, labels, judgement);
  return {
    metrics: merged(Object.entries(kinds).map(([kind, { metrics }]) => [kind, metrics])),
    perLabel: labelsMerged(kinds),
    details: Object.assign({}, ...Object.entries(kinds).map(detailsOf)) as JsonObject,
    perItem: itemsOf(pairs, kinds),
  };
}

/** Of classes as they always were, `confusion` on top; of the others below their kind. */
function detailsOf([kind, { details }]: readonly [string, KindEvaluation]): JsonObject {
  return kind === 'class' ? details : { [kind]: details };
}

function labelsMerged(kinds: Readonly<Record<string, KindEvaluation>>): Evaluation['perLabel'] {
  const labels = new Set(Object.values(kinds).flatMap(({ perLabel }) => Object.keys(perLabel)));
  return Object.fromEntries(
    [...labels].map((label) => [
      label,
      merged(Object.entries(kinds).map(([kind, { perLabel }]) => [kind, perLabel[label] ?? {}])),
    ]),
  );
}

/** The first kind has the plain name. */
function merged(
  parts: readonly (readonly [kind: string, numbers: Readonly<Record<string, number>>])[],
): Record<string, number> {
  const all: Record<string, number> = {};
  for (const [kind, numbers] of parts)
    for (const [name, value] of Object.entries(numbers))
      all[Object.hasOwn(all, name) ? `${kind}.${name}` : name] = value;
  return all;
}
