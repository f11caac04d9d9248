import type { Server } from 'node:http';
import { eventKindOf } from '../../shared/invoke/callers/event-kind.ts';
import { errorReply } from '../../shared/invoke/error-reply.ts';
import { UnknownEvent } from '../../shared/invoke/errors.ts';
import { endCutAnswers } from './end-cut-answers.ts';
import { isBinaryAnswer } from './is-binary-answer.ts';
import { openApp } from './open-app.ts';
import { serveOnSocket } from './serve-on-socket.ts';

type Caller = (event: object, context: object) => Promise<object>;

let caller: Promise<Caller> | undefined;

/** Entry of the deployed function: API Gateway requests of payload format 2.0. @throws UnknownEvent for anything else */
export const handler: Caller = async (event, context) => {
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

/** Serves the same API on a Unix socket, where bodies of any size stream both ways. */
export async function listen(socketPath: string): Promise<Server> {
  return serveOnSocket((await openApp()).app, socketPath);
}

async function openCaller(): Promise<Caller> {
  const [{ app, platform }, { default: serverless }] = await Promise.all([
    openApp(),
    import('serverless-http'),
  ]);
  const call = serverless(endCutAnswers(app), { binary: isBinaryAnswer });
  return (event, context) => call(event, context).finally(() => platform.relay?.settle());
}
