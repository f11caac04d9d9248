import type { JsonObject } from '../json.ts';
import type { CocoLabel } from './coco.ts';

/** Curves of precision over recall are kept of this many labels. */
const MOST_CURVES = 100;
const DIGITS = 6;

/**
 * Precision and score at recall 0, 0.01 ... 1 and IoU 0.5, by label; of the first hundred labels that have truth. Rounded
 * to six digits behind the point: they are drawn, and AP is computed before.
 */
export function curvesOf(perLabel: ReadonlyMap<string, CocoLabel>): JsonObject {
  const rounded = (value: number) => Number(value.toFixed(DIGITS));
  return Object.fromEntries(
    [...perLabel]
      .filter(([, { curve }]) => curve.length > 0)
      .slice(0, MOST_CURVES)
      .map(([label, { curve }]) => [
        label,
        {
          precision: curve.map(({ precision }) => rounded(precision)),
          score: curve.map(({ score }) => rounded(score)),
        },
      ]),
  );
}
