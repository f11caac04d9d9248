import type { Express, Request, RequestHandler } from 'express';
import type { Actor } from '../auth/actor.ts';
import { originOf } from '../invoke/callers/request-origin.ts';
import type { Platform } from '../platform.ts';
import { API_PATH, createApp } from './app.ts';
import { NotForRuns } from './errors.ts';

/** A run, as far as the API serves its adapter. */
export interface RunOfApi {
  /** Its store is the run's. */
  platform: Platform;
  /** Who began the run, within the run's project. */
  actor: Actor;
  executionId: string;
  nextSampleId(): string;
}

/** What an adapter may change. Projects stay as they are, and nothing is begun or told of other runs. */
const CHANGEABLE = /^\/(datasets|items|annotations|recipes|ontologies|models|snapshots)(\/|$)/;
/** Questions that are asked by POST. */
const QUESTIONS =
  /^\/(services\/[^/]+\/logs|query\/faas|pipelines\/query|settings\/\w+|sdk\/check|analytics\/metric\/pendo)$/;

/** The entity API for the adapter of one run. */
export function createRunApp({ platform, actor, executionId, nextSampleId }: RunOfApi): Express {
  return createApp({
    platform,
    actorOf: () => actor,
    baseUrlOf: (request) => `${originOf(request)}${API_PATH}`,
    nextSampleId,
    executionId,
    guard: refuseOthers,
  });
}

const refuseOthers: RequestHandler = (request, _response, next) => {
  if (!isForRuns(request)) throw new NotForRuns(request.method, request.path);
  next();
};

function isForRuns({ method, path }: Request): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const route = path.startsWith(`${API_PATH}/`) ? path.slice(API_PATH.length) : '';
  return CHANGEABLE.test(route) || (method === 'POST' && QUESTIONS.test(route));
}
