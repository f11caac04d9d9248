import type { Express } from 'express';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { readConfig } from '../../shared/config.ts';
import { originOf } from '../../shared/invoke/callers/request-origin.ts';
import { openPlatform } from '../../shared/open-platform.ts';

let opening: Promise<Express> | undefined;

/** The API on this process's platform, opened once; an opening that failed is tried again by the next request. */
export function openApp(): Promise<Express> {
  opening ??= open().catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

async function open(): Promise<Express> {
  const [{ createApp, API_PATH }, platform] = await Promise.all([
    import('../../shared/api/app.ts'),
    openPlatform(readConfig()),
  ]);
  return createApp({
    platform,
    actorOf: () => LOCAL_ACTOR,
    baseUrlOf: (request) => `${originOf(request)}${API_PATH}`,
  });
}
