import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../json.ts';

/** At what a single item is judged. */
export interface Judgement {
  /** A detection is right when it overlaps its truth this much, 0..1. */
  readonly iou: number;
  /** Detections below are left out of counts and masks; COCO's numbers count all. 0..1. */
  readonly confidence: number;
}

/** What one kind of annotation comes to. */
export interface KindEvaluation {
  metrics: Record<string, number>;
  perLabel: Record<string, Record<string, number>>;
  details: JsonObject;
}

/** Judges one kind of annotation, an item at a time: of each it keeps no more than its numbers need. */
export interface KindJudge {
  /** True for types of annotation that it judges. */
  judges(type: string): boolean;
  /** What is to be said of the item; nothing where the kind has no say. */
  add(pair: EvaluationPair): ItemVerdict | undefined;
  /** Of all items added so far. */
  result(): KindEvaluation;
}

/** One item's part: what is wrong there, in words of the kind. */
export interface ItemVerdict extends JsonObject {
  /** Number of things that are wrong: what is wrong most comes first. */
  errors: number;
}

/** Labels in the ontology's order, then the others by name. */
export function inOrder(found: Iterable<string>, labels: readonly string[]): string[] {
  const rank = new Map(labels.map((label, index) => [label, index]));
  const rankOf = (label: string) => rank.get(label) ?? labels.length;
  return [...new Set(found)].sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : a > b ? 1 : 0));
}

/** 0 where the whole is 0. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Only the numbers that say something: COCO's -1 and null mean "nothing to measure" and become no metric. */
export function defined(numbers: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== null && entry[1] >= 0),
  );
}
