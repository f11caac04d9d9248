import type { Check } from './check.ts';
import { CANCELLATION_CHECKS } from './checks/cancellation-checks.ts';
import { CLASS_CHECKS } from './checks/class-checks.ts';
import { CONVERSION_CHECKS } from './checks/conversion-checks.ts';
import { EVALUATION_CHECKS } from './checks/evaluation-checks.ts';
import { FUNCTION_CHECKS } from './checks/function-checks.ts';
import { ITEM_CHECKS } from './checks/item-checks.ts';
import { PREDICTION_CHECKS } from './checks/prediction-checks.ts';
import { SLICE_CHECKS } from './checks/slice-checks.ts';
import { TRAINING_CHECKS } from './checks/training-checks.ts';

/** All checks, in the order they are run: one that others need comes before them. */
export const CHECKS: readonly Check[] = [
  ...CLASS_CHECKS,
  ...TRAINING_CHECKS,
  ...SLICE_CHECKS,
  ...PREDICTION_CHECKS,
  ...ITEM_CHECKS,
  ...CANCELLATION_CHECKS,
  ...FUNCTION_CHECKS,
  ...EVALUATION_CHECKS,
  ...CONVERSION_CHECKS,
];
