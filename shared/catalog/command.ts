import { isoTime } from '../clock.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';

/** The answer of an operation that the client takes for a long one. Ours are done when they answer (docs/WIRE.md, Commands). */
export interface Command {
  id: string;
  type: string;
  status: 'success';
  progress: 100;
  /** Where the client finds what was made. */
  spec: JsonObject;
  error: null;
  createdAt: string;
  updatedAt: string;
}

export function finishedCommand(
  platform: Pick<Platform, 'ids' | 'clock'>,
  type: string,
  spec: JsonObject,
): Command {
  const now = isoTime(platform.clock);
  return {
    id: platform.ids.objectId(),
    type,
    status: 'success',
    progress: 100,
    spec,
    error: null,
    createdAt: now,
    updatedAt: now,
  };
}
