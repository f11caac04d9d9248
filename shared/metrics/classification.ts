import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../json.ts';
import { Calibration } from './calibration.ts';
import { type ItemVerdict, inOrder, type KindEvaluation, type KindJudge, ratio } from './evaluation-kind.ts';

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
export class ClassJudge implements KindJudge {
  readonly #labels: readonly string[];
  // Maps, as a label may have any name: `__proto__` among them.
  readonly #tallies = new Map<string, Tally>();
  readonly #confusion = new Map<string, Map<string, number>>();
  readonly #calibration = new Calibration();
  #items = 0;
  #right = 0;

  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  judges(type: string): boolean {
    return type === 'class';
  }

  add({ label, predictions }: EvaluationPair): ItemVerdict | undefined {
    if (label === undefined) return undefined;
    const surest = surestPrediction(predictions);
    const predicted = surest?.label;
    const isRight = predicted === label;
    this.#items += 1;
    tallyOf(this.#tallies, label).support += 1;
    if (predicted !== undefined) tallyOf(this.#tallies, predicted).predicted += 1;
    if (isRight) {
      this.#right += 1;
      tallyOf(this.#tallies, label).truePositives += 1;
    }
    if (surest) this.#calibration.add(surest.confidence, isRight);
    addTo(this.#confusion, label, predicted ?? '');
    return {
      errors: isRight ? 0 : 1,
      label,
      predicted: predicted ?? null,
      confidence: surest?.confidence ?? null,
    };
  }

  result(): KindEvaluation {
    const perLabel = Object.fromEntries(
      inOrder(this.#tallies.keys(), this.#labels).map((label) => [
        label,
        scoresOf(this.#tallies.get(label)!),
      ]),
    );
    const scores = Object.values(perLabel);
    const macro = (name: 'precision' | 'recall' | 'f1') =>
      ratio(
        scores.reduce((sum, score) => sum + score[name], 0),
        scores.length,
      );
    const { error, bins } = this.#calibration.result();
    return {
      metrics: {
        accuracy: ratio(this.#right, this.#items),
        precision: macro('precision'),
        recall: macro('recall'),
        f1: macro('f1'),
        ...(error !== null && { calibrationError: error }),
        items: this.#items,
      },
      perLabel,
      details: { confusion: toObject(this.#confusion), calibration: { error, bins } },
    };
  }
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
