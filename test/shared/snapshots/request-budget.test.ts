import { expect, it } from 'vitest';
import { RequestBudget } from '../../../shared/snapshots/files/request-budget.ts';

const ENDLESS = new AbortController().signal;

it('lets so many run at once, the others in the order they came', async () => {
  const budget = new RequestBudget(2);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const runs = [0, 1, 2, 3].map((index) =>
    budget.run(ENDLESS, () => {
      started.push(index);
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );

  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  ends[1]!();
  await runs[1];
  expect(started).toEqual([0, 1, 2]);
  ends[0]!();
  await runs[0];
  expect(started).toEqual([0, 1, 2, 3]);
  for (const end of ends) end();
  await Promise.all(runs);
});

it('gives the place of one that failed, or was aborted while it waited, to the next', async () => {
  const budget = new RequestBudget(1);
  const leaving = new AbortController();
  let fail: (error: Error) => void = () => undefined;
  const first = budget.run(ENDLESS, () => new Promise((_resolve, reject) => (fail = reject)));
  const second = budget.run(leaving.signal, async () => 'second');
  const third = budget.run(ENDLESS, async () => 'third');

  leaving.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  fail(new Error('broken'));

  await expect(first).rejects.toThrow('broken');
  expect(await third).toBe('third');
  await expect(budget.run(leaving.signal, async () => 'late')).rejects.toThrow('gone');
});
