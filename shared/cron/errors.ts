import { ModelfnError } from '../errors.ts';

/** A schedule that cannot be read. */
export class InvalidCron extends ModelfnError {
  override readonly name = 'InvalidCron';
  readonly code = 'InvalidCron';
  readonly statusCode = 400;
  constructor(cron: string, problem: string) {
    super(
      `spec.cron: ${JSON.stringify(cron)} is no schedule: ${problem}. It takes minute, hour, day of month, month and day of week, in UTC, e.g. "30 2 * * 1-5".`,
      { details: { cron } },
    );
  }
}

/** A schedule that has no time left. */
export class CronNeverFires extends ModelfnError {
  override readonly name = 'CronNeverFires';
  readonly code = 'CronNeverFires';
  readonly statusCode = 400;
  constructor({ cron, startAt, endAt }: { cron: string; startAt: string | null; endAt: string | null }) {
    const bounds = [startAt && `from ${startAt}`, endAt && `to ${endAt}`].filter(Boolean).join(' ');
    super(
      `spec.cron: ${JSON.stringify(cron)} never fires${bounds === '' ? '' : ` ${bounds}`}: there is no such time from now on. Correct the expression, or startAt and endAt.`,
      { details: { cron, startAt, endAt } },
    );
  }
}
