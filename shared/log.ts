import type { Json } from './json.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Lines for those who run the system. Fields are facts, never contents of items and never secrets. */
export type Log = Readonly<
  Record<LogLevel, (message: string, fields?: Record<string, Json | undefined>) => void>
>;

/** A log of JSON lines, one event a line, to `write`. Below `level` nothing is written. */
export function jsonLog(
  level: LogLevel | 'silent',
  write: (line: string) => void = (line) => process.stderr.write(line),
  now: () => number = Date.now,
): Log {
  const least = level === 'silent' ? LEVELS.length : LEVELS.indexOf(level);
  const at =
    (own: LogLevel, index: number): Log[LogLevel] =>
    (message, fields) => {
      if (index < least) return;
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: own, message, ...fields })}\n`);
    };
  return { debug: at('debug', 0), info: at('info', 1), warn: at('warn', 2), error: at('error', 3) };
}

/** Drops every line. */
export const silentLog: Log = jsonLog('silent');
