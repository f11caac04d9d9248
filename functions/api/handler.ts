import type { Server } from 'node:http';
import { errorReply } from '../../shared/invoke/error-reply.ts';
import { endCutAnswers } from './end-cut-answers.ts';
import { isBinaryAnswer } from './is-binary-answer.ts';
import { openApp } from './open-app.ts';
import { serveOnSocket } from './serve-on-socket.ts';

type Caller = (event: object, context: object) => Promise<object>;

let caller: Promise<Caller> | undefined;

/** Entry of the deployed function: API Gateway requests of payload format 2.0. */
export const handler: Caller = async (event, context) => {
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
  return serveOnSocket(await openApp(), socketPath);
}

async function openCaller(): Promise<Caller> {
  const [app, { default: serverless }] = await Promise.all([openApp(), import('serverless-http')]);
  return serverless(endCutAnswers(app), { binary: isBinaryAnswer });
}
