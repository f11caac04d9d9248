import type { Json } from './json.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/** Lines for those who run the system. Fields are facts, never contents of items and never secrets. */
export type Log = Readonly<
  Record<Level, (message: string, fields?: Record<string, Json | undefined>) => void>
>;

/** A log of JSON lines, one event a line, to `write`. Below `level` nothing is written. */
export function jsonLog(
  level: Level | 'silent',
  write: (line: string) => void = (line) => process.stderr.write(line),
  now: () => number = Date.now,
): Log {
  const least = level === 'silent' ? LEVELS.length : LEVELS.indexOf(level);
  const at =
    (own: Level, index: number): Log[Level] =>
    (message, fields) => {
      if (index < least) return;
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: own, message, ...fields })}\n`);
    };
  return { debug: at('debug', 0), info: at('info', 1), warn: at('warn', 2), error: at('error', 3) };
}

/** Drops every line. */
export const silentLog: Log = jsonLog('silent');
