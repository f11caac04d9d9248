import type { Evaluation, EvaluationPair, ItemEvaluation } from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../json.ts';
import { ClassJudge } from './classification.ts';
import { BoxJudge } from './detection.ts';
import type { ItemVerdict, Judgement, KindEvaluation } from './evaluation-kind.ts';
import { MaskJudge } from './segmentation.ts';

/** Where nothing else is asked for. */
export const DEFAULT_JUDGEMENT: Judgement = Object.freeze({ iou: 0.5, confidence: 0.5 });

const KINDS = ['class', 'box', 'mask'] as const;
type Kind = (typeof KINDS)[number];

/** One item, judged by every kind: which of them occur is known at the end. */
interface JudgedItem {
  itemId: string;
  filename: string;
  verdicts: Readonly<Record<Kind, ItemVerdict | undefined>>;
}

/**
 * Compares by the types of annotation that truth or predictions have: `class`, `box`, and `segment` with `binary`; each
 * that occurs, and `class` when none does. Truth and prediction have to have the very same label. Where several kinds
 * occur, a number that two of them have has the name of the kind before it, as `box.precision`.
 *
 * Pairs are taken one after the other, none is kept. Memory: some 400 bytes an item, and 25 a box or mask that was found.
 */
export async function evaluatePairs(
  pairs: AsyncIterable<EvaluationPair> | Iterable<EvaluationPair>,
  labels: readonly string[],
  judgement: Judgement = DEFAULT_JUDGEMENT,
): Promise<Evaluation> {
  const judges = {
    class: new ClassJudge(labels),
    box: new BoxJudge(labels, judgement),
    mask: new MaskJudge(labels, judgement),
  };
  const occurring = new Set<Kind>();
  const items: JudgedItem[] = [];
  for await (const pair of pairs) {
    for (const kind of KINDS) if (hasTypeOf(pair, judges[kind])) occurring.add(kind);
    if (pair.label !== undefined) occurring.add('class');
    const { id: itemId, filename } = pair.item;
    const verdicts = {
      class: judges.class.add(pair),
      box: judges.box.add(pair),
      mask: judges.mask.add(pair),
    };
    items.push({ itemId, filename, verdicts });
  }
  if (occurring.size === 0) occurring.add('class');
  const kinds = KINDS.filter((kind) => occurring.has(kind));
  const found = kinds.map((kind) => [kind, judges[kind].result()] as const);
  return {
    metrics: merged(found.map(([kind, { metrics }]) => [kind, metrics])),
    perLabel: labelsMerged(found),
    details: Object.assign({}, ...found.map(detailsOf)) as JsonObject,
    perItem: items.flatMap((item) => itemEvaluation(item, kinds)),
  };
}

function hasTypeOf({ groundTruth, predictions }: EvaluationPair, judge: { judges(type: string): boolean }) {
  const isOfKind = ({ type }: { type: string }) => judge.judges(type);
  return groundTruth.some(isOfKind) || predictions.some(isOfKind);
}

/** Nothing for an item that no kind judged. */
function itemEvaluation(
  { itemId, filename, verdicts }: JudgedItem,
  kinds: readonly Kind[],
): ItemEvaluation[] {
  const found = kinds.flatMap((kind) => {
    const verdict = verdicts[kind];
    return verdict ? [[kind, verdict] as const] : [];
  });
  if (found.length === 0) return [];
  const errors = found.reduce((sum, [, verdict]) => sum + verdict.errors, 0);
  return [{ itemId, filename, errors, kinds: Object.fromEntries(found) }];
}

/** Of classes as they always were, `confusion` on top; of the others below their kind. */
function detailsOf([kind, { details }]: readonly [Kind, KindEvaluation]): JsonObject {
  return kind === 'class' ? details : { [kind]: details };
}

function labelsMerged(kinds: readonly (readonly [Kind, KindEvaluation])[]): Evaluation['perLabel'] {
  const labels = new Set(kinds.flatMap(([, { perLabel }]) => Object.keys(perLabel)));
  return Object.fromEntries(
    [...labels].map((label) => [
      label,
      merged(kinds.map(([kind, { perLabel }]) => [kind, perLabel[label] ?? {}])),
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
