import type { ErrorBody } from '../../shared/errors.ts';
import type { Json } from '../../shared/json.ts';

/** What the server tells a worker. */
export type ToWorker =
  /** Run the handler; `deadline` in milliseconds since 1970, null without one. */
  | { type: 'invoke'; id: string; event: unknown; deadline: number | null }
  /** Serve HTTP on a Unix socket for as long as the process lives. */
  | { type: 'listen'; socketPath: string };

/** What a worker tells the server. */
export type FromWorker =
  | { type: 'ready' }
  /** The bundle cannot be imported; the process ends. */
  | { type: 'notLoadable'; reason: string }
  | { type: 'listening' }
  /** The handler is about to be called. */
  | { type: 'begun'; id: string }
  | { type: 'result'; id: string; result: unknown }
  | { type: 'error'; id: string; error: ErrorBody; retryable: boolean }
  /** Have this function invoked with the payload, by any worker, and wait for nothing. */
  | { type: 'dispatch'; payload: Json };
