import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import { isCrowd } from '../annotations/crowd.ts';
import { type Rectangle, readBox, rectangleOf } from '../annotations/shapes.ts';
import { boxArea, boxOverlap } from './box-overlap.ts';
import { curvesOf } from './curves.ts';
import {
  defined,
  type ItemVerdict,
  type Judgement,
  type KindEvaluation,
  type KindJudge,
} from './evaluation-kind.ts';
import { type Instance, InstanceTally, scoresOfCounts } from './instances.ts';

/**
 * COCO's numbers of `box` annotations, with precision, recall and F1 at the judgement's IoU and confidence. A turned
 * box counts as the upright rectangle around it. Boxes with coordinates that cannot be read are left out and counted as
 * `unreadable`. What has no value, as the AP of large objects where there are none, is -1 in `details.stats` and no metric.
 */
export class BoxJudge implements KindJudge {
  readonly #labels: readonly string[];
  readonly #judgement: Judgement;
  readonly #tally: InstanceTally<Rectangle>;
  #unreadable = 0;

  constructor(labels: readonly string[], judgement: Judgement) {
    this.#labels = labels;
    this.#judgement = judgement;
    this.#tally = new InstanceTally(boxOverlap, judgement);
  }

  judges(type: string): boolean {
    return type === 'box';
  }

  add({ groundTruth, predictions }: EvaluationPair): ItemVerdict {
    return this.#tally.add({
      truths: groundTruth.flatMap((each) => this.#instancesOf(each, 1, isCrowd(each))),
      detections: predictions.flatMap((each) => this.#instancesOf(each, each.confidence, false)),
    });
  }

  result(): KindEvaluation {
    const { coco, counts, countsOfLabel } = this.#tally.result(this.#labels);
    return {
      metrics: { ...defined(coco.stats), ...scoresOfCounts(counts) },
      perLabel: Object.fromEntries(
        [...coco.perLabel].map(([label, { AP, AP50, AP75, AR }]) => [
          label,
          { ...defined({ AP, AP50, AP75, AR }), ...countsOfLabel.get(label) },
        ]),
      ),
      details: {
        stats: { ...coco.stats },
        at: { ...this.#judgement, ...counts },
        curves: curvesOf(coco.perLabel),
        unreadable: this.#unreadable,
      },
    };
  }

  #instancesOf(
    { type, label, coordinates }: { type: string; label: string; coordinates?: unknown },
    score: number,
    crowd: boolean,
  ): Instance<Rectangle>[] {
    if (!this.judges(type)) return [];
    const box = readBox(coordinates);
    if (box === undefined) {
      this.#unreadable += 1;
      return [];
    }
    const shape = rectangleOf(box);
    return [{ label, shape, area: boxArea(shape), isCrowd: crowd, score }];
  }
}
