import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import { isCrowd } from '../annotations/crowd.ts';
import { type Rectangle, readBox, rectangleOf } from '../annotations/shapes.ts';
import { boxArea, boxOverlap } from './box-overlap.ts';
import { curvesOf } from './curves.ts';
import { defined, type Judgement, type KindEvaluation } from './evaluation-kind.ts';
import { evaluateInstances, type Instance, scoresOfCounts } from './instances.ts';

/**
 * COCO's numbers of `box` annotations, with precision, recall and F1 at the judgement's IoU and confidence. A turned
 * box counts as the upright rectangle around it. Boxes with coordinates that cannot be read are left out and counted as
 * `unreadable`. What has no value, as the AP of large objects where there are none, is -1 in `details.stats` and no metric.
 */
export function evaluateBoxes(
  pairs: readonly EvaluationPair[],
  labels: readonly string[],
  judgement: Judgement,
): KindEvaluation {
  let unreadable = 0;
  const instance = (
    { label, coordinates }: { label: string; coordinates?: unknown },
    score: number,
    crowd: boolean,
  ): Instance<Rectangle>[] => {
    const box = readBox(coordinates);
    if (box === undefined) {
      unreadable += 1;
      return [];
    }
    const shape = rectangleOf(box);
    return [{ label, shape, area: boxArea(shape), isCrowd: crowd, score }];
  };
  const items = pairs.map(({ item, groundTruth, predictions }) => ({
    itemId: item.id,
    truths: groundTruth
      .filter(({ type }) => type === 'box')
      .flatMap((each) => instance(each, 1, isCrowd(each))),
    detections: predictions
      .filter(({ type }) => type === 'box')
      .flatMap((each) => instance(each, each.confidence, false)),
  }));
  const { coco, counts, countsOfLabel, perItem } = evaluateInstances(items, labels, boxOverlap, judgement);
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
      at: { ...judgement, ...counts },
      curves: curvesOf(coco.perLabel),
      unreadable,
    },
    perItem,
  };
}
