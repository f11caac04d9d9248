import type { CliIo } from '../io.ts';
import { visible } from './table.ts';

/** What a person watches while something takes its time. */
export interface ProgressBar {
  /** `fraction` 0..1; `message` a word on what goes on. */
  update(fraction: number, message?: string): void;
  /** Takes the bar off the screen. May be called twice. */
  end(): void;
}

const WIDTH = 24;
const CLEAR_LINE = '\r\u001b[K';

/** A bar on stderr; where nobody watches, or the answer is JSON, one that draws nothing. */
export function progressBar(io: CliIo, label: string, isQuiet = false): ProgressBar {
  if (!io.isTTY || isQuiet) return { update: () => undefined, end: () => undefined };
  let last = '';
  return {
    update(fraction, message = '') {
      const line = barLine(label, fraction, message).slice(0, (io.columns ?? 80) - 1);
      if (line === last) return;
      last = line;
      io.stderr.write(`${CLEAR_LINE}${line}`);
    },
    end() {
      if (last !== '') io.stderr.write(CLEAR_LINE);
      last = '';
    },
  };
}

/** E.g. `train [############------------]  50% epoch 3`. */
export function barLine(label: string, fraction: number, message: string): string {
  const bounded = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  const filled = Math.round(bounded * WIDTH);
  const bar = `${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}`;
  const percent = `${Math.floor(bounded * 100)}%`.padStart(4);
  return `${label} [${bar}] ${percent} ${visible(message).replaceAll('\n', ' ')}`.trimEnd();
}
