import { Cron } from 'croner';
import { ModelfnError } from '../errors.ts';
import { readCron } from './schedule.ts';

/** A schedule that EventBridge has no words for. It is never replaced by one that is nearly the same. */
export class CronUntranslatable extends ModelfnError {
  override readonly name = 'CronUntranslatable';
  readonly code = 'CronUntranslatable';
  readonly statusCode = 400;
  constructor(cron: string, problem: string) {
    super(
      `${JSON.stringify(cron)} does not run on AWS: ${problem}. Write it without, or as several triggers.`,
      { details: { cron } },
    );
  }
}

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** EventBridge takes no longer expression. */
const MAX_LENGTH = 256;

/** A Sunday, so that days of the month and of the week are both counted from it. */
const SUNDAY = Date.UTC(2023, 0, 1);
const DAY_MS = 24 * 3600 * 1000;

/**
 * The expressions of EventBridge Scheduler that together have the very times of a cron of ours, in UTC: two where day of
 * month and day of week are both given, for there either may hold, and EventBridge takes one of them alone. A time that
 * both have comes twice, and is one run. Fields are spelt out from what the cron library makes of each, not read anew.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
 * @throws CronUntranslatable, InvalidCron
 */
export function eventBridgeExpressions(cron: string): string[] {
  readCron(cron);
  const text = cron.trim();
  const fields = (NICKNAMES[text.toLowerCase()] ?? text).replaceAll('?', '*').split(/\s+/);
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const at = (field: number, index: number) => onlyField(field, fields[field]!).match(probe(field, index));
  const values = (field: number, first: number, count: number) =>
    Array.from({ length: count }, (_each, index) => index + first).filter((value) =>
      at(field, value - first),
    );
  const clock = `${spelt(values(0, 0, 60), 0, 59, minute === '*')} ${spelt(values(1, 0, 24), 0, 23, hour === '*')}`;
  const months = spelt(values(3, 1, 12), 1, 12, month === '*');
  const ofMonth = () => specialDay(cron, day) ?? spelt(values(2, 1, 31), 1, 31, false);
  const ofWeek = () =>
    specialWeekday(cron, weekday) ??
    spelt(
      values(4, 0, 7).map((value) => value + 1),
      1,
      7,
      false,
    );
  const wholes: { cron: string; days: string; weekdays: string }[] = [];
  if (weekday === '*') wholes.push({ cron: text, days: day === '*' ? '*' : ofMonth(), weekdays: '?' });
  else {
    wholes.push({ cron: `${minute} ${hour} * ${month} ${weekday}`, days: '?', weekdays: ofWeek() });
    if (day !== '*')
      wholes.push({ cron: `${minute} ${hour} ${day} ${month} *`, days: ofMonth(), weekdays: '?' });
  }
  const expressions = wholes
    // Half of a schedule may never fire, as the 31st of February.
    .filter((half) => wholes.length === 1 || readCron(half.cron).nextRun(new Date(SUNDAY)) !== null)
    .map(({ days, weekdays }) => `cron(${clock} ${days} ${months} ${weekdays} *)`);
  for (const expression of expressions)
    if (expression.length > MAX_LENGTH)
      throw new CronUntranslatable(
        cron,
        `spelt out it has ${expression.length} characters, of ${MAX_LENGTH}`,
      );
  return expressions;
}

/** The schedule that one field of five makes by itself. */
function onlyField(field: number, text: string): Cron {
  const fields = ['*', '*', '*', '*', '*'];
  fields[field] = text;
  return new Cron(fields.join(' '), { paused: true, timezone: 'UTC', mode: '5-part' });
}

/** A time at which a field has its value number `index`. */
function probe(field: number, index: number): Date {
  if (field === 0) return new Date(SUNDAY + index * 60_000);
  if (field === 1) return new Date(SUNDAY + index * 3_600_000);
  if (field === 3) return new Date(Date.UTC(2023, index, 1));
  return new Date(SUNDAY + index * DAY_MS);
}

/** A set of values in EventBridge's words: all, every so many, or a list of values and ranges. */
function spelt(values: readonly number[], least: number, most: number, isStar: boolean): string {
  if (isStar || values.length === most - least + 1) return '*';
  const [first, second] = values as [number, number];
  const step = second - first;
  const isRegular = values.every((value, index) => value === first + index * step);
  // Days of the week take no increment.
  if (values.length > 2 && step > 1 && most !== 7 && isRegular && values.at(-1)! + step > most)
    return `${first}/${step}`;
  const runs: [from: number, to: number][] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run && run[1] === value - 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** `L`, the last day of the month, has the same word there. @throws CronUntranslatable for nearest weekdays and lists with L */
function specialDay(cron: string, day: string): string | undefined {
  if (!/[lw]/i.test(day)) return undefined;
  if (/^l$/i.test(day)) return 'L';
  throw new CronUntranslatable(cron, `day of month ${day} has no counterpart; L alone has one`);
}

/** The nth or the last of a day of the week, alone. @throws CronUntranslatable for lists of such, and for both days at once */
function specialWeekday(cron: string, weekday: string): string | undefined {
  if (weekday.startsWith('+'))
    throw new CronUntranslatable(cron, 'a day of month that is a certain day of the week has no counterpart');
  const nth = /^([0-7]|sun|mon|tue|wed|thu|fri|sat)(#[1-5]|l)$/i.exec(weekday);
  if (nth) return `${numberOf(nth[1]!) + 1}${nth[2]!.toUpperCase()}`;
  if (!/#|l/i.test(weekday)) return undefined;
  throw new CronUntranslatable(
    cron,
    `day of week ${weekday} has no counterpart; one like 5#2 or 5L alone has`,
  );
}

function numberOf(weekday: string): number {
  const named = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(weekday.toLowerCase());
  return named >= 0 ? named : Number(weekday) % 7;
}
