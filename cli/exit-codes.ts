import { toErrorBody } from '../shared/errors.ts';

/** What each exit code says; the help prints this table. */
export const EXIT_CODES = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  refused: 5,
  unusable: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

const MEANING: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  ok: 'done',
  unexpected: 'a fault that nobody foresaw',
  usage: 'wrong command, option or environment setting',
  notFound: 'nothing by that name or id, or several',
  conflict: 'a name that is taken, or something in use',
  refused: 'input or data that cannot be used, or a check that failed',
  unusable: 'storage, store, state folder or a process does not answer: it may pass',
  interrupted: 'stopped by Ctrl-C',
};

/** The table as the help shows it. */
export const EXIT_CODE_HELP = [
  'Exit codes:',
  ...Object.entries(EXIT_CODES).map(
    ([name, code]) => `  ${String(code).padEnd(5)}${MEANING[name as keyof typeof EXIT_CODES]}`,
  ),
].join('\n');

/** Codes whose HTTP status says less than they do. */
const BY_CODE: Readonly<Record<string, ExitCode>> = {
  WrongUsage: EXIT_CODES.usage,
  InvalidConfig: EXIT_CODES.usage,
  AmbiguousReference: EXIT_CODES.notFound,
  Conflict: EXIT_CODES.conflict,
  Cancelled: EXIT_CODES.interrupted,
};

/** Statuses of what something else is the cause of: the same command later may work. */
const AWAY = [502, 503, 504];

/** The exit code of anything thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  const { code, statusCode } = toErrorBody(error);
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (statusCode === 404) return EXIT_CODES.notFound;
  if (statusCode === 409) return EXIT_CODES.conflict;
  if (statusCode === 499) return EXIT_CODES.interrupted;
  if (AWAY.includes(statusCode)) return EXIT_CODES.unusable;
  return statusCode >= 400 && statusCode < 500 ? EXIT_CODES.refused : EXIT_CODES.unexpected;
}
