import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventBridgeExpressions } from '../../../shared/cron/eventbridge.ts';
import { readCron } from '../../../shared/cron/schedule.ts';
import { eventBridgeHas } from './read-eventbridge.ts';

it.each([
  ['*/5 * * * *', ['cron(0/5 * * * ? *)']],
  ['30 2 * * 1-5', ['cron(30 2 ? * 2-6 *)']],
  ['0 3 * * SUN', ['cron(0 3 ? * 1 *)']],
  ['0 3 * * 5-7', ['cron(0 3 ? * 1,6-7 *)']],
  ['0 0 1,15 * *', ['cron(0 0 1,15 * ? *)']],
  ['7-59/13 9-17 * jan-mar ?', ['cron(7/13 9-17 * 1-3 ? *)']],
  ['0 0 13 * 5', ['cron(0 0 ? * 6 *)', 'cron(0 0 13 * ? *)']],
  ['0 0 */2 * 1', ['cron(0 0 ? * 2 *)', 'cron(0 0 1/2 * ? *)']],
  ['0 0 31 2 1', ['cron(0 0 ? 2 2 *)']],
  ['0 12 L * *', ['cron(0 12 L * ? *)']],
  ['0 12 * * 5#2', ['cron(0 12 ? * 6#2 *)']],
  ['0 12 * * MONL', ['cron(0 12 ? * 2L *)']],
  ['@hourly', ['cron(0 * * * ? *)']],
  ['@Weekly', ['cron(0 0 ? * 1 *)']],
])('%s is %j', (cron, expressions) => {
  expect(eventBridgeExpressions(cron)).toEqual(expressions);
});

it.each([
  ['0 0 15W * *', '15W'],
  ['0 0 LW * *', 'LW'],
  ['0 0 L,15 * *', 'L,15'],
  ['0 0 * * 1#1,1#3', '1#1,1#3'],
  ['0 0 13 * +5', 'certain day of the week'],
])('%s is refused: it says %s has no counterpart', (cron, words) => {
  expect(() => eventBridgeExpressions(cron)).toThrow(
    expect.objectContaining({ code: 'CronUntranslatable', message: expect.stringContaining(words) }),
  );
});

it('what is no cron at all is told as such', () => {
  expect(() => eventBridgeExpressions('0 0 32 * *')).toThrow(
    expect.objectContaining({ code: 'InvalidCron' }),
  );
});

const field = (least: number, most: number) => {
  const value = fc.integer({ min: least, max: most });
  const range = fc.tuple(value, value).map((ends) => ends.sort((a, b) => a - b).join('-'));
  const step = fc.integer({ min: 1, max: Math.max(1, most - least) });
  const part = fc.oneof(
    value.map(String),
    range,
    fc.tuple(range, step).map((parts) => parts.join('/')),
    step.map((each) => `*/${each}`),
  );
  return fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('*', '?') },
    { weight: 3, arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')) },
  );
};
const weekday = fc.oneof(field(0, 7), fc.constantFrom('mon-fri', 'SUN', 'sat,sun', '3#1', '5L', 'tue#3'));
const dayOfMonth = fc.oneof(field(1, 31), fc.constant('L'));
const crons = fc
  .tuple(field(0, 59), field(0, 23), dayOfMonth, field(1, 12), weekday)
  .map((fields) => fields.join(' '));

/** Minutes of a few years, some spread over all of them, and the edges of months. */
const times = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 365 * 4 }), fc.integer({ min: 0, max: 1439 }))
    .map(([day, minute]) => new Date(Date.UTC(2027, 0, 1) + (day * 1440 + minute) * 60_000)),
  { minLength: 20, maxLength: 20 },
);

it('any expression has the very times there that it has here', () => {
  fc.assert(
    fc.property(crons, times, (cron, random) => {
      const schedule = readCron(cron);
      const expressions = eventBridgeExpressions(cron);
      // Times that are sure to be the schedule's, and the minutes, hours and days about them.
      const own = schedule.nextRuns(3, new Date(Date.UTC(2027, 0, 1)));
      const near = own.flatMap((time) =>
        [60_000, 3_600_000, 86_400_000].flatMap((step) => [
          new Date(time.getTime() - step),
          new Date(time.getTime() + step),
        ]),
      );
      for (const time of [...own, ...near, ...random])
        expect(
          expressions.some((expression) => eventBridgeHas(expression, time)),
          `${cron} as ${expressions} at ${time.toISOString()}`,
        ).toBe(schedule.match(time));
    }),
    { numRuns: 150 },
  );
});
