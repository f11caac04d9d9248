import { describe, expect, it } from 'vitest';
import { assertFires, latestTime, timesAfter } from '../../../shared/cron/schedule.ts';

const NOON = Date.parse('2026-01-31T12:00:00.000Z');
const spec = (cron: string, startAt: string | null = null, endAt: string | null = null) => ({
  cron,
  startAt,
  endAt,
});

describe('the next times of a schedule', () => {
  it.each([
    ['*/5 * * * *', ['2026-01-31T12:05:00.000Z', '2026-01-31T12:10:00.000Z']],
    ['0 3 * * 1', ['2026-02-02T03:00:00.000Z', '2026-02-09T03:00:00.000Z']],
    ['0 0 29 2 *', ['2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z']],
    ['@daily', ['2026-02-01T00:00:00.000Z', '2026-02-02T00:00:00.000Z']],
    // Either day will do when both are given, as crontab(5) has it.
    ['0 0 13 * 5', ['2026-02-06T00:00:00.000Z', '2026-02-13T00:00:00.000Z']],
  ])('of %s are in UTC', (cron, times) => {
    expect(timesAfter(spec(cron), NOON, 2)).toEqual(times);
  });

  it('lie within startAt and endAt, both included', () => {
    const bounded = spec('*/5 * * * *', '2026-02-01T00:00:00.000Z', '2026-02-01T00:05:00.000Z');

    expect(timesAfter(bounded, NOON, 9)).toEqual(['2026-02-01T00:00:00.000Z', '2026-02-01T00:05:00.000Z']);
  });
});

describe('the latest time of a schedule', () => {
  it.each([
    [0, '2026-01-31T12:00:00.000Z'],
    [-1, '2026-01-31T11:55:00.000Z'],
    [61_000, '2026-01-31T12:00:00.000Z'],
  ])('%d ms from noon is the last one that has come', (offset, time) => {
    expect(latestTime(spec('*/5 * * * *'), 0, NOON + offset)).toBe(time);
  });

  it('is none before it was wanted, before startAt, or for an expression without times', () => {
    expect(latestTime(spec('*/5 * * * *'), NOON, NOON + 61_000)).toBeUndefined();
    expect(latestTime(spec('*/5 * * * *', '2026-02-01T00:00:00.000Z'), 0, NOON)).toBeUndefined();
    expect(latestTime(spec('0 0 30 2 *'), 0, NOON)).toBeUndefined();
  });

  it('is not after endAt', () => {
    const bounded = spec('*/5 * * * *', null, '2026-01-31T11:52:00.000Z');

    expect(latestTime(bounded, 0, NOON)).toBe('2026-01-31T11:50:00.000Z');
  });
});

describe('a schedule is refused', () => {
  it.each([
    ['* * * *'],
    ['* * * * * *'],
    ['61 * * * *'],
    ['a b c d e'],
    ['@sometimes'],
    ['2026-12-01T00:00:00'],
    [''],
  ])('that cannot be read: %j', (cron) => {
    expect(() => assertFires(spec(cron), NOON)).toThrow(
      expect.objectContaining({ code: 'InvalidCron', message: expect.stringContaining('30 2 * * 1-5') }),
    );
  });

  it.each([
    [spec('0 0 30 2 *')],
    [spec('0 0 31 4,6,9,11 *')],
    [spec('* * * * *', null, '2026-01-31T11:00:00.000Z')],
    [spec('0 0 1 1 *', '2026-02-01T00:00:00.000Z', '2026-12-31T00:00:00.000Z')],
  ])('that never fires: %j', (never) => {
    expect(() => assertFires(never, NOON)).toThrow(
      expect.objectContaining({ code: 'CronNeverFires', message: expect.stringContaining(never.cron) }),
    );
  });
});
