import { ratio } from './evaluation-kind.ts';

const BINS = 10;

export interface CalibrationBin extends Record<string, number> {
  /** Confidences above `from`, up to and with `to`; the first bin has 0 too. */
  from: number;
  to: number;
  count: number;
  /** Mean of the confidences, 0 for an empty bin. */
  confidence: number;
  /** Part of them that is right, 0 for an empty bin. */
  accuracy: number;
}

/**
 * How far confidences can be believed: ten bins of equal width, and the expected calibration error, the mean of
 * |accuracy - confidence| over bins, weighted by their counts (Guo et al. 2017).
 */
export class Calibration {
  readonly #sums = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }));
  #count = 0;

  add(confidence: number, isRight: boolean): void {
    const bounded = Math.min(1, Math.max(0, confidence));
    const sum = this.#sums[Math.max(0, Math.ceil(bounded * BINS) - 1)]!;
    sum.count += 1;
    sum.confidence += bounded;
    if (isRight) sum.right += 1;
    this.#count += 1;
  }

  /** `error` is 0..1; null without predictions. */
  result(): { error: number | null; bins: CalibrationBin[] } {
    const bins = this.#sums.map(({ count, confidence, right }, at) => ({
      from: at / BINS,
      to: (at + 1) / BINS,
      count,
      confidence: ratio(confidence, count),
      accuracy: ratio(right, count),
    }));
    if (this.#count === 0) return { error: null, bins };
    const gaps = bins.map(({ count, confidence, accuracy }) => count * Math.abs(accuracy - confidence));
    return { error: gaps.reduce((sum, gap) => sum + gap, 0) / this.#count, bins };
  }
}
