import type { AdapterMethod } from '../shared/snapshots/offered-methods.ts';
import type { Subject } from './subject.ts';

/** What a check found: nothing against the adapter, or what there is in words; or why it does not apply to the adapter. */
export type Finding = string | undefined | { readonly skipped: string };

/** One promise of `ModelAdapter`, and how it is put to the test. */
export interface Check {
  /** Stable, for programs. */
  readonly id: string;
  /** What an adapter does that keeps it, as a sentence. */
  readonly name: string;
  /** What is to be found. */
  readonly expected: string;
  /** What the adapter's author is to do when something else was. */
  readonly advice: string;
  /** The check without which this one says nothing: it is not run when that one failed. */
  readonly needs?: string;
  /** It trains: not run for an adapter that does not. */
  readonly trains?: true;
  /** Methods that it calls: not run for an adapter without one of them. */
  readonly uses?: readonly AdapterMethod[];
  /** What it throws is a finding too. */
  run(subject: Subject): Promise<Finding> | Finding;
}

/** What became of one check. */
export interface CheckResult {
  readonly id: string;
  readonly name: string;
  /** `skipped`: it does not apply, or a check that it needs failed; `reason` tells. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What was expected, what was found and what to do; `null` when it passed. */
  readonly reason: string | null;
  readonly durationMs: number;
}
