import { AsyncLocalStorage } from 'node:async_hooks';
import { format } from 'node:util';
import type { LogLevel } from '../log.ts';
import type { RunLog } from './run-log.ts';

const METHODS = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const;

type Method = keyof typeof METHODS;

const running = new AsyncLocalStorage<RunLog>();
let isCaptured = false;

/**
 * Runs `work`; what it and all it calls say on the console is kept in the run's log, and goes where it went. What is
 * written to `process.stdout` itself, or by other processes, is not kept.
 */
export function withConsole<T>(log: RunLog, work: () => T): T {
  if (!isCaptured) capture();
  return running.run(log, work);
}

/** Once a process: outside of a run the console is what it was. */
function capture(): void {
  isCaptured = true;
  const { console } = globalThis as unknown as { console: Pick<Console, Method> };
  for (const [method, level] of Object.entries(METHODS) as [Method, LogLevel][]) {
    const original = console[method].bind(console);
    console[method] = (...given: unknown[]) => {
      const log = running.getStore();
      const text = log && format(...given);
      const masked = text && log.redact(text);
      // Values without a secret stay unchanged: a console may print objects in its own way.
      if (masked === text) original(...given);
      else original(masked);
      if (text !== undefined) log?.add(level, text);
    };
  }
}
