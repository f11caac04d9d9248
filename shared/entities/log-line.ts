import type { LogLevel } from '../log.ts';

/** A line that a run logged. Secrets are masked. */
export interface LogLine {
  timestamp: string;
  level: LogLevel;
  message: string;
}

/** A line as an execution keeps it. `line` counts from 1; numbers that are missing at the start are of dropped lines. */
export interface KeptLine extends LogLine {
  line: number;
}

/** What an execution keeps of its log: the newest lines, so many and so much text. */
export const LOG_LIMITS = { lines: 1_000, characters: 256 * 1024, charactersALine: 8 * 1024 } as const;
