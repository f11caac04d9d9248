import { resolve } from 'node:path';
import type { CliIo } from './io.ts';
import type { OutputMode } from './output/print.ts';

/** What a command works with that needs no state folder. */
export interface Desk {
  readonly io: CliIo;
  readonly mode: OutputMode;
  /** An argument's path, absolute. */
  path(argument: string): string;
}

export function openDesk(io: CliIo, mode: OutputMode): Desk {
  return { io, mode, path: (argument) => resolve(io.cwd, argument) };
}
