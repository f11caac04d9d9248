import { Router } from 'express';
import * as z from 'zod/mini';
import { readExecutionLogs } from '../../catalog/execution-logs.ts';
import { addAttempt, requestExecution, rerunExecution } from '../../catalog/execution-requests.ts';
import { waitForEnd } from '../../catalog/execution-wait.ts';
import { addProgress, getExecution, terminateExecution } from '../../catalog/executions.ts';
import { isJsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { flagParameter, textParameter } from '../query-parameters.ts';
import { executionToWire } from '../wire/execution.ts';

/** docs/WIRE.md, Executions; they are listed by `POST /query/faas`. `PUT` has a function run under an id of the caller's own. */
export function executionRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.put('/executions/:id', jsonBody, async (request, response) => {
    const execution = await requestExecution(platform, actorOf(request), request.params.id, request.body);
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  router.post('/executions/:serviceId', jsonBody, async (request, response) => {
    const { serviceId } = request.params;
    const body: unknown = isJsonObject(request.body) ? { ...request.body, serviceId } : request.body;
    const execution = await requestExecution(platform, actorOf(request), platform.ids.objectId(), body);
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  router.get('/executions/:id', async (request, response) => {
    const execution = await getExecution(platform, actorOf(request), request.params.id);
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  // Nothing of an execution is a caller's to write: the client sends it back whole, and reads it again.
  router.patch('/executions/:id', async (request, response) => {
    const execution = await getExecution(platform, actorOf(request), request.params.id);
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  router.post('/executions/:id/progress', jsonBody, async (request, response) => {
    const execution = await addProgress(platform, actorOf(request), request.params.id, request.body);
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  router.post('/executions/:id/terminate', async (request, response) => {
    const execution = await terminateExecution(platform, actorOf(request), request.params.id);
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  router.post('/executions/:id/rerun', async (request, response) => {
    const actor = actorOf(request);
    const queued = await rerunExecution(platform, actor, request.params.id);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const execution = flagParameter(request, 'sync')
      ? await waitForEnd(platform, actor, queued.id, gone.signal)
      : queued;
    response.json(executionToWire(execution, baseUrlOf(request)));
  });

  router.get('/executions/:id/logs', async (request, response) => {
    const { after } = parse(
      z.object({ after: z.optional(z.coerce.number().check(z.int(), z.gte(0))) }),
      { after: textParameter(request, 'after') },
      'query parameters',
    );
    const range = after === undefined ? {} : { after };
    response.json(await readExecutionLogs(platform, actorOf(request), request.params.id, range));
  });

  router.get('/executions/:id/attempts', async (request, response) => {
    const { attempts } = await getExecution(platform, actorOf(request), request.params.id);
    response.json(attempts);
  });

  router.post('/executions/:id/attempts', async (request, response) => {
    response.json(await addAttempt(platform, actorOf(request), request.params.id));
  });

  return router;
}
