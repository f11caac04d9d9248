import { Router } from 'express';
import { addProgress, getExecution, terminateExecution } from '../../../shared/catalog/executions.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { executionToWire } from '../wire/execution.ts';

/** Contract section 9.3; they are made by the functions, and listed by `POST /query/faas`. */
export function executionRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

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

  return router;
}
