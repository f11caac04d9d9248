import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { Express } from 'express';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { readConfig } from '../../shared/config.ts';
import { eventKindOf } from '../../shared/invoke/callers/event-kind.ts';
import { originOf } from '../../shared/invoke/callers/request-origin.ts';
import { errorReply } from '../../shared/invoke/error-reply.ts';
import { UnknownEvent } from '../../shared/invoke/errors.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { endCutAnswers } from './end-cut-answers.ts';

/** Entry of the deployed function: API Gateway requests of payload format 2.0. @throws UnknownEvent for anything else */
export const handler = async (event: object, context: object): Promise<object> => {
  // serverless-http takes any other event for `GET /`, and a queue its answer for success.
  if (eventKindOf(event) !== 'http')
    throw new UnknownEvent('a call of a function; the entity API takes HTTP requests');
  try {
    caller ??= openCaller();
    return (await caller)(event, context);
  } catch (error) {
    caller = undefined;
    return errorReply(error);
  }
};

/** Serves the same API on a Unix socket, where bodies of any size stream both ways. A socket left there by a dead process is replaced. */
export async function listen(socketPath: string): Promise<Server> {
  const server = createServer(await application());
  // An upload takes as long as it takes; whoever stands in front of the socket watches over slow clients.
  server.requestTimeout = 0;
  await rm(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return server;
}

let caller: Promise<(event: object, context: object) => Promise<object>> | undefined;
let opening: Promise<Express> | undefined;

async function openCaller(): Promise<(event: object, context: object) => Promise<object>> {
  const [app, { default: serverless }] = await Promise.all([application(), import('serverless-http')]);
  return serverless(endCutAnswers(app), { binary: isBinary });
}

/** Once a process; an opening that failed is tried again by the next request. */
function application(): Promise<Express> {
  opening ??= openApplication().catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

async function openApplication(): Promise<Express> {
  const [{ createApp, API_PATH }, platform] = await Promise.all([
    import('./app.ts'),
    openPlatform(readConfig()),
  ]);
  return createApp({
    platform,
    actorOf: () => LOCAL_ACTOR,
    baseUrlOf: (request) => `${originOf(request)}${API_PATH}`,
  });
}

/** JSON goes as text, all else as base64: an item may be of any type, and text of any encoding. */
function isBinary(headers: Record<string, unknown>): boolean {
  const type = headers['content-type'];
  const isPlain = headers['content-encoding'] === undefined;
  return !(isPlain && (type === undefined || /^application\/json\b/.test(String(type))));
}
