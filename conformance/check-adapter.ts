import { readdir } from 'node:fs/promises';
import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { Cancelled, isModelfnError } from '../shared/errors.ts';
import { withinRun } from '../shared/invoke/current-run.ts';
import type { JsonObject } from '../shared/json.ts';
import type { Check, CheckResult } from './check.ts';
import { CHECKS } from './checks.ts';
import type { CheckData } from './data/check-data.ts';
import { madeData } from './data/made-data.ts';
import { endOf } from './ended.ts';
import { CheckDataUnusable } from './errors.ts';
import { Subject } from './subject.ts';
import { openWorkbench } from './workbench.ts';

export interface ConformanceOptions {
  /** Goes over the class's defaults, as a model's configuration does. */
  configuration?: JsonObject;
  /** Items to check on; made by the kit for the adapter's `inputType` when missing. */
  data?: CheckData;
  /** Folder of a snapshot's files, for an adapter that does not train: it is checked from `load` on. */
  weights?: string | undefined;
  /** Folder of a parent snapshot's files, for an adapter that trains from those. */
  parent?: string | undefined;
  /** Of the kit's items, and of the trainings. Default 1. */
  seed?: number;
  /** How long a run may go on after its signal was aborted. Default 5 seconds. */
  cancelWithinMs?: number;
  /** How long one check may take. Default 2 minutes. */
  limitMs?: number;
  /** Stops between two checks. */
  signal?: AbortSignal;
  /** Told before each check. */
  onCheck?: (check: Check, index: number, count: number) => void;
}

export interface ConformanceReport {
  /** True when no check failed. */
  readonly passed: boolean;
  readonly seed: number;
  /** Every check, in order. */
  readonly checks: readonly CheckResult[];
}

/**
 * Puts an adapter to the test: all that `ModelAdapter` asks of a class, on a real store, buckets and functions in a
 * temporary folder. A failed check is a result, not an error. An adapter that never gives the thread back cannot be stopped.
 * @throws CheckDataUnusable when there is nothing to check it on; Cancelled
 */
export async function checkAdapter(
  adapterClass: ModelAdapterClass,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const {
    configuration = {},
    weights,
    parent,
    seed = 1,
    cancelWithinMs = 5_000,
    limitMs = 120_000,
  } = options;
  for (const folder of [weights, parent]) if (folder !== undefined) await assertFiles(folder);
  const data = options.data ?? (await madeData(adapterClass.inputType ?? null, seed));
  const workbench = await openWorkbench(adapterClass, configuration, data, parent);
  try {
    const subject = new Subject({ adapterClass, workbench, seed, weights, parent, cancelWithinMs });
    const results: CheckResult[] = [];
    for (const [index, check] of CHECKS.entries()) {
      if (options.signal?.aborted) throw new Cancelled('the check', options.signal.reason);
      options.onCheck?.(check, index, CHECKS.length);
      results.push(await resultOf(check, subject, results, limitMs));
    }
    return { passed: results.every(({ outcome }) => outcome !== 'failed'), seed, checks: results };
  } finally {
    await workbench.close();
  }
}

async function resultOf(
  check: Check,
  subject: Subject,
  before: readonly CheckResult[],
  limitMs: number,
): Promise<CheckResult> {
  const started = performance.now();
  const result = (outcome: CheckResult['outcome'], reason: string | null): CheckResult => ({
    id: check.id,
    name: check.name,
    outcome,
    reason,
    durationMs: Math.round(performance.now() - started),
  });
  const needed = neededBy(check, before);
  if (needed) return result('skipped', `it needs that ${needed.name}`);
  const unusable = whyNotUsable(check, subject);
  if (unusable !== undefined) return result('skipped', unusable);
  const training = before.find(({ id }) => id === 'trains');
  if (check.trains && training?.outcome === 'skipped') return result('skipped', training.reason);
  // As in a run: an adapter in a process of its own may ask the entity API.
  const run = subject.workbench.openRun();
  const ended = await endOf(() => withinRun(run, async () => check.run(subject)), limitMs);
  await subject.release();
  if (ended.how === 'still running')
    return result('failed', told(check, `it had not ended after ${limitMs} ms`));
  if (ended.how === 'threw') return result('failed', told(check, thrown(ended.error)));
  const found = ended.value;
  if (found === undefined) return result('passed', null);
  return typeof found === 'string' ? result('failed', told(check, found)) : result('skipped', found.skipped);
}

/** Reason why the adapter lacks methods that the check needs. */
function whyNotUsable({ id, uses = [], needs }: Check, subject: Subject): string | undefined {
  const missing = uses.find((method) => !subject.offers(method));
  if (missing !== undefined) return `it has no ${missing}`;
  return isReadyNeeded(id, needs) ? subject.whyNotReady() : undefined;
}

/** The check `loads` and those after it need an adapter that can predict. */
function isReadyNeeded(id: string, needs: string | undefined): boolean {
  if (id === 'loads') return true;
  return needs !== undefined && isReadyNeeded(needs, CHECKS.find((each) => each.id === needs)?.needs);
}

/** @throws CheckDataUnusable when there is nothing in it to load */
async function assertFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => undefined);
  if (names && names.length > 0) return;
  const problem = names ? 'is empty' : 'is no folder';
  throw new CheckDataUnusable(JSON.stringify(folder), problem, 'Give the folder of files that `save` wrote.');
}

/** The check that failed, or was not run, and without which this one says nothing. */
function neededBy(check: Check, before: readonly CheckResult[]): CheckResult | undefined {
  const needed = before.find(({ id }) => id === check.needs);
  if (!needed || needed.outcome === 'passed') return undefined;
  if (needed.outcome === 'failed') return needed;
  const own = CHECKS.find(({ id }) => id === needed.id)!;
  return neededBy(own, before);
}

function thrown(error: unknown): string {
  return isModelfnError(error) ? `${error.code}: ${error.message}` : `it threw ${String(error)}`;
}

function told({ expected, advice }: Check, found: string): string {
  return `expected ${expected}; found: ${found.replace(/\.$/, '')}. ${advice}`;
}
