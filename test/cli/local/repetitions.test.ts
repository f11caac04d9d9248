import { describe, expect, it } from 'vitest';
import { WorkerLost } from '../../../cli/local/errors.ts';
import { RETRY_DELAYS_MS, Repetitions } from '../../../cli/local/repetitions.ts';
import { InvalidInput } from '../../../shared/errors.ts';
import { ExecutionInProgress } from '../../../shared/invoke/errors.ts';
import { StoreUnavailable } from '../../../shared/store/errors.ts';

const NOW = Date.parse('2026-01-31T12:00:00.000Z');
const heldFor = (milliseconds: number) =>
  new ExecutionInProgress('e1', new Date(NOW + milliseconds).toISOString());

describe('the repetitions of a background invocation', () => {
  it('take a run over as soon as the lease of a lost process ends, not a minute later', () => {
    const repetitions = new Repetitions();

    expect(repetitions.delayAfter(new WorkerLost('train', 'signal SIGKILL'), NOW)).toBe(1_000);
    const delayMs = repetitions.delayAfter(heldFor(29_000), NOW);

    expect(delayMs).toBeGreaterThanOrEqual(29_000);
    expect(delayMs).toBeLessThan(30_000);
  });

  it('end when the run is held again and again: its holder is alive', () => {
    const repetitions = new Repetitions();

    const delays = [1, 2, 3, 4].map(() => repetitions.delayAfter(heldFor(5_000), NOW) !== undefined);

    expect(delays).toEqual([true, true, true, false]);
  });

  it('wait for no lease that lies far in the future', () => {
    expect(new Repetitions().delayAfter(heldFor(3_600_000), NOW)).toBeLessThanOrEqual(120_000);
  });

  it('wait minutes after other transient faults, and are none after a fault that stays', () => {
    const repetitions = new Repetitions();
    const away = new StoreUnavailable(new Error('away'), 'Try again.');

    expect([1, 2, 3].map(() => repetitions.delayAfter(away, NOW))).toEqual([...RETRY_DELAYS_MS, undefined]);
    expect(new Repetitions().delayAfter(new InvalidInput('call', []), NOW)).toBeUndefined();
    expect(new Repetitions().delayAfter(new Error('boom'), NOW)).toBeUndefined();
  });
});
