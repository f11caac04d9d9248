import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { DEFAULT_LEASE_SECONDS } from '../../../shared/config.ts';
import {
  claimExecution,
  finishExecution,
  renewExecution,
  yieldExecution,
} from '../../../shared/invoke/executions.ts';
import type { Invocation } from '../../../shared/invoke/invocation.ts';
import { openTestPlatform, type TestPlatform } from '../../support/test-platform.ts';

const LEASE_MS = DEFAULT_LEASE_SECONDS * 1000;

const call: Invocation = {
  functionName: 'train',
  input: { snapshot: 's1' },
  caller: 'pipeline',
  actor: LOCAL_ACTOR,
};
const fault = { statusCode: 503, code: 'StoreUnavailable', message: 'away', details: {} };

describe('an execution', () => {
  let platform: TestPlatform;
  beforeEach(async () => {
    platform = await openTestPlatform();
  });
  afterEach(() => platform.close());

  it('is claimed by one of many', async () => {
    const claims = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map((holder) => claimExecution(platform, 'e1', call, holder)),
    );

    const refused = claims.filter((claim) => claim.status === 'rejected');
    expect(claims.filter((claim) => claim.status === 'fulfilled')).toHaveLength(1);
    for (const { reason } of refused)
      expect(reason).toMatchObject({ code: 'ExecutionInProgress', retryable: true });
  });

  it('answers what it ended with to whoever claims it again', async () => {
    await claimExecution(platform, 'e1', call, 'a');
    await finishExecution(platform, 'e1', 'a', { output: { answer: 42 }, durationMs: 5 });

    const again = await claimExecution(platform, 'e1', call, 'b');

    expect(again).toMatchObject({ output: { answer: 42 }, attempts: 1, latestStatus: { status: 'success' } });
  });

  it('is taken over when its holder was silent for the length of a lease', async () => {
    await claimExecution(platform, 'e1', call, 'a');
    platform.clock.advance(LEASE_MS + 1);

    const taken = await claimExecution(platform, 'e1', call, 'b');

    expect(taken).toMatchObject({ attempts: 2, lease: { holder: 'b' } });
    await expect(renewExecution(platform, 'e1', 'a', undefined)).rejects.toMatchObject({ code: 'LeaseLost' });
    await expect(finishExecution(platform, 'e1', 'a', { output: {}, durationMs: 1 })).rejects.toMatchObject({
      code: 'LeaseLost',
    });
  });

  it('is free again as soon as the configuration says', async () => {
    const brief = { ...platform, config: { ...platform.config, leaseMs: 1000 } };
    await claimExecution(brief, 'e1', call, 'a');
    platform.clock.advance(999);
    await expect(claimExecution(brief, 'e1', call, 'b')).rejects.toMatchObject({
      code: 'ExecutionInProgress',
    });

    platform.clock.advance(2);

    expect(await claimExecution(brief, 'e1', call, 'b')).toMatchObject({ attempts: 2 });
  });

  it('stays with a holder that renews', async () => {
    await claimExecution(platform, 'e1', call, 'a');
    platform.clock.advance(LEASE_MS - 1);
    await renewExecution(platform, 'e1', 'a', { percentComplete: 40, message: 'half-way' });
    platform.clock.advance(LEASE_MS - 1);

    await expect(claimExecution(platform, 'e1', call, 'b')).rejects.toMatchObject({
      code: 'ExecutionInProgress',
    });
    expect(await platform.store.get('Execution', 'e1')).toMatchObject({
      latestStatus: { status: 'inProgress', percentComplete: 40, message: 'half-way' },
      status: [{ status: 'created' }, { status: 'inProgress' }],
    });
  });

  it('that failed by a fault of the system runs again, three times at most', async () => {
    for (const holder of ['a', 'b', 'c']) {
      await claimExecution(platform, 'e1', call, holder);
      await finishExecution(platform, 'e1', holder, { error: fault, durationMs: 1 });
    }

    expect(await claimExecution(platform, 'e1', call, 'd')).toMatchObject({
      attempts: 3,
      latestStatus: { status: 'failed' },
    });
  });

  it('that took three containers down is at its end: the fourth claim finds it failed', async () => {
    for (const holder of ['a', 'b', 'c']) {
      await claimExecution(platform, 'e1', call, holder);
      platform.clock.advance(LEASE_MS + 1);
    }

    expect(await claimExecution(platform, 'e1', call, 'd')).toMatchObject({
      attempts: 3,
      lease: null,
      error: { code: 'AttemptsExhausted' },
      latestStatus: { status: 'failed' },
    });
  });

  it('has no slice ended by a holder that was replaced', async () => {
    await claimExecution(platform, 'e1', call, 'a');
    platform.clock.advance(LEASE_MS + 1);
    await claimExecution(platform, 'e1', call, 'b');

    await expect(
      yieldExecution(platform, 'e1', 'a', { durationMs: 1, percentComplete: 50 }),
    ).rejects.toMatchObject({ code: 'LeaseLost' });
    expect(await platform.store.get('Execution', 'e1')).toMatchObject({ slices: 0, lease: { holder: 'b' } });
  });

  it('that failed because the call was wrong stays failed', async () => {
    await claimExecution(platform, 'e1', call, 'a');
    const wrong = { ...fault, statusCode: 422, code: 'OneClassOnly' };
    await finishExecution(platform, 'e1', 'a', { error: wrong, durationMs: 1 });

    expect(await claimExecution(platform, 'e1', call, 'b')).toMatchObject({
      error: { code: 'OneClassOnly' },
    });
  });

  it('cannot be claimed for another function or other inputs', async () => {
    await claimExecution(platform, 'e1', call, 'a');

    for (const other of [
      { ...call, functionName: 'predict' },
      { ...call, input: { snapshot: 's2' } },
    ])
      await expect(claimExecution(platform, 'e1', other, 'a')).rejects.toMatchObject({
        code: 'ExecutionMismatch',
      });
  });

  it('tells its holder that someone wants it to stop', async () => {
    await claimExecution(platform, 'e1', call, 'a');
    await platform.store.update('Execution', 'e1', (current) => ({ ...current, toTerminate: true }));

    expect(await renewExecution(platform, 'e1', 'a', undefined)).toEqual({ toTerminate: true });
  });
});
