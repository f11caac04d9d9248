import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../json.ts';
import { calibrationOf } from './calibration.ts';
import { type ItemVerdict, inOrder, type KindEvaluation, ratio } from './evaluation-kind.ts';

interface Tally {
  truePositives: number;
  predicted: number;
  support: number;
}

/**
 * Accuracy, macro averages and per-label precision, recall and F1 of class predictions. An item without ground truth is
 * not counted; an item without a prediction counts as wrong. A label that neither occurs nor is predicted is left out.
 * Formulas: precision = TP / predicted, recall = TP / support, F1 = 2TP / (predicted + support), each 0 where its
 * denominator is 0, as scikit-learn's `precision_recall_fscore_support(zero_division=0)`.
 * `calibrationError` is of the items with truth and prediction; there is none without such items.
 */
export function evaluateClasses(pairs: readonly EvaluationPair[], labels: readonly string[]): KindEvaluation {
  const tallies = new Map<string, Tally>();
  // Maps, as a label may have any name: `__proto__` among them.
  const confusion = new Map<string, Map<string, number>>();
  const perItem = new Map<string, ItemVerdict>();
  const calibrated: { confidence: number; isRight: boolean }[] = [];
  for (const { item, label, predictions } of pairs) {
    if (label === undefined) continue;
    const surest = surestPrediction(predictions);
    const predicted = surest?.label;
    const isRight = predicted === label;
    tallyOf(tallies, label).support += 1;
    if (predicted !== undefined) tallyOf(tallies, predicted).predicted += 1;
    if (isRight) tallyOf(tallies, label).truePositives += 1;
    if (surest) calibrated.push({ confidence: surest.confidence, isRight });
    addTo(confusion, label, predicted ?? '');
    perItem.set(item.id, {
      errors: isRight ? 0 : 1,
      label,
      predicted: predicted ?? null,
      confidence: surest?.confidence ?? null,
    });
  }
  const perLabel = Object.fromEntries(
    inOrder(tallies.keys(), labels).map((label) => [label, scoresOf(tallies.get(label)!)]),
  );
  const scores = Object.values(perLabel);
  const macro = (name: 'precision' | 'recall' | 'f1') =>
    ratio(
      scores.reduce((sum, score) => sum + score[name], 0),
      scores.length,
    );
  const right = [...perItem.values()].filter(({ errors }) => errors === 0).length;
  const { error, bins } = calibrationOf(calibrated);
  return {
    metrics: {
      accuracy: ratio(right, perItem.size),
      precision: macro('precision'),
      recall: macro('recall'),
      f1: macro('f1'),
      ...(error !== null && { calibrationError: error }),
      items: perItem.size,
    },
    perLabel,
    details: { confusion: toObject(confusion), calibration: { error, bins } },
    perItem,
  };
}

/** The `class` prediction with the highest confidence; the first one of equals. */
function surestPrediction(
  predictions: EvaluationPair['predictions'],
): EvaluationPair['predictions'][number] | undefined {
  let best: EvaluationPair['predictions'][number] | undefined;
  for (const prediction of predictions) {
    if (prediction.type === 'class' && (best === undefined || prediction.confidence > best.confidence))
      best = prediction;
  }
  return best;
}

function tallyOf(tallies: Map<string, Tally>, label: string): Tally {
  const tally = tallies.get(label) ?? { truePositives: 0, predicted: 0, support: 0 };
  tallies.set(label, tally);
  return tally;
}

function scoresOf({ truePositives, predicted, support }: Tally) {
  return {
    precision: ratio(truePositives, predicted),
    recall: ratio(truePositives, support),
    f1: ratio(2 * truePositives, predicted + support),
    support,
  };
}

function addTo(confusion: Map<string, Map<string, number>>, label: string, predicted: string): void {
  const row = confusion.get(label) ?? new Map<string, number>();
  confusion.set(label, row);
  row.set(predicted, (row.get(predicted) ?? 0) + 1);
}

/** `Object.fromEntries` makes own fields of any name. */
function toObject(confusion: ReadonlyMap<string, ReadonlyMap<string, number>>): JsonObject {
  return Object.fromEntries([...confusion].map(([label, row]) => [label, Object.fromEntries(row)]));
}
