import type { Request, RequestHandler } from 'express';
import type { Actor } from '../auth/actor.ts';
import type { Platform } from '../platform.ts';

/** What every route works with. */
export interface ApiContext {
  readonly platform: Platform;
  /** Who sent the request. */
  actorOf(request: Request): Actor;
  /** Address of the API as the caller reached it, without a slash at the end; links in answers start with it. */
  baseUrlOf(request: Request): string;
  /** Names the next point of a curve: a run that is done again names its points as before. Missing: a new id. */
  readonly nextSampleId?: () => string;
  /** The run on whose behalf is asked: the snapshot it holds is not closed to it. */
  readonly executionId?: string;
  /** Stands before all routes; what it throws is the answer. */
  readonly guard?: RequestHandler;
}
