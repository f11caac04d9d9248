import type { Evaluation, EvaluationPair } from '../../adapters/model-adapter.ts';

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
 */
export function evaluateClasses(pairs: readonly EvaluationPair[], labels: readonly string[]): Evaluation {
  const tallies = new Map<string, Tally>();
  const confusion: Record<string, Record<string, number>> = {};
  let correct = 0;
  let counted = 0;
  for (const { label, predictions } of pairs) {
    if (label === undefined) continue;
    const predicted = surestClass(predictions);
    counted += 1;
    tallyOf(tallies, label).support += 1;
    if (predicted !== undefined) tallyOf(tallies, predicted).predicted += 1;
    if (predicted === label) {
      correct += 1;
      tallyOf(tallies, label).truePositives += 1;
    }
    addTo(confusion, label, predicted ?? '');
  }
  const perLabel = Object.fromEntries(
    inOrder([...tallies.keys()], labels).map((label) => [label, scoresOf(tallies.get(label)!)]),
  );
  const scores = Object.values(perLabel);
  const macro = (name: 'precision' | 'recall' | 'f1') =>
    ratio(
      scores.reduce((sum, score) => sum + score[name], 0),
      scores.length,
    );
  return {
    metrics: {
      accuracy: ratio(correct, counted),
      precision: macro('precision'),
      recall: macro('recall'),
      f1: macro('f1'),
      items: counted,
    },
    perLabel,
    details: { confusion },
  };
}

/** The `class` prediction with the highest confidence; the first one of equals. */
export function surestClass(predictions: EvaluationPair['predictions']): string | undefined {
  let best: EvaluationPair['predictions'][number] | undefined;
  for (const prediction of predictions) {
    if (prediction.type === 'class' && (best === undefined || prediction.confidence > best.confidence))
      best = prediction;
  }
  return best?.label;
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

function inOrder(found: readonly string[], labels: readonly string[]): string[] {
  const rank = new Map(labels.map((label, index) => [label, index]));
  const rankOf = (label: string) => rank.get(label) ?? labels.length;
  return [...found].sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : a > b ? 1 : 0));
}

function addTo(confusion: Record<string, Record<string, number>>, label: string, predicted: string): void {
  confusion[label] ??= {};
  confusion[label][predicted] = (confusion[label][predicted] ?? 0) + 1;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
