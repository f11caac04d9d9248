import type { Express } from 'express';
import { findBuiltInSettings } from '../../adapters/settings-registry.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { captureEnvironment } from '../../shared/config.ts';
import { originOf } from '../../shared/invoke/callers/request-origin.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import type { Platform } from '../../shared/platform.ts';

/** Time of one query of the API. */
const QUERY_LIMIT_MS = 10_000;

/** The API, and the platform that it stands on. */
export interface OpenApp {
  app: Express;
  platform: Platform;
}

/** Captured when the bundle is imported: a worker has its settings only then. */
const captured = captureEnvironment();
let opening: Promise<OpenApp> | undefined;

/** The API on this process's platform, opened once; an opening that failed is tried again by the next request. */
export function openApp(): Promise<OpenApp> {
  opening ??= open().catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

async function open(): Promise<OpenApp> {
  const [{ createApp, API_PATH }, platform] = await Promise.all([
    import('../../shared/api/app.ts'),
    openPlatform(captured.config(), { findSettings: findBuiltInSettings }, { queryLimitMs: QUERY_LIMIT_MS }),
  ]);
  const app = createApp({
    platform,
    actorOf: () => LOCAL_ACTOR,
    baseUrlOf: (request) => `${originOf(request)}${API_PATH}`,
  });
  return { app, platform };
}
