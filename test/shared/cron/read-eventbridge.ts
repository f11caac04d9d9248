const DAY_MS = 24 * 3600 * 1000;

/**
 * Whether an expression `cron(minute hour day-of-month month day-of-week year)` of EventBridge has a minute, as AWS's guide describes
 * its fields: 1 is Sunday, `?` is no condition, `a/n` goes on to the field's end, `L` is the last day, `6L` the last
 * Friday, `6#2` the second.
 */
export function eventBridgeHas(expression: string, time: Date): boolean {
  const [, inner] = /^cron\((.*)\)$/.exec(expression)!;
  const [minute, hour, day, month, weekday, year] = inner!.split(' ') as string[];
  if (year !== '*' || [day, weekday].filter((field) => field === '?').length !== 1)
    throw new Error(`not an expression of EventBridge: ${expression}`);
  const date = time.getUTCDate();
  const last = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 1) - DAY_MS).getUTCDate();
  return (
    fieldHas(minute!, time.getUTCMinutes(), 0, 59) &&
    fieldHas(hour!, time.getUTCHours(), 0, 23) &&
    fieldHas(month!, time.getUTCMonth() + 1, 1, 12) &&
    (day === '?' || (day === 'L' ? date === last : fieldHas(day!, date, 1, 31))) &&
    (weekday === '?' || weekdayHas(weekday!, time.getUTCDay() + 1, date, last))
  );
}

function weekdayHas(field: string, weekday: number, date: number, last: number): boolean {
  const [, day, nth] = /^(\d)(?:#(\d)|L)$/.exec(field) ?? [];
  if (day === undefined) {
    if (field.includes('/')) throw new Error(`a day of the week takes no increment: ${field}`);
    return fieldHas(field, weekday, 1, 7);
  }
  if (Number(day) !== weekday) return false;
  return nth === undefined ? date + 7 > last : Math.ceil(date / 7) === Number(nth);
}

function fieldHas(field: string, value: number, least: number, most: number): boolean {
  return field.split(',').some((part) => {
    if (part === '*') return true;
    const [, first, to, step] = /^(\d+)(?:-(\d+)|\/(\d+))?$/.exec(part)!;
    const from = Number(first);
    if (from < least || Number(to ?? from) > most) throw new Error(`${part} is out of ${least}..${most}`);
    if (step !== undefined) return value >= from && (value - from) % Number(step) === 0;
    return value >= from && value <= Number(to ?? from);
  });
}
