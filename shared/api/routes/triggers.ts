import { Router } from 'express';
import { createTrigger, deleteTrigger, getTrigger, updateTrigger } from '../../catalog/triggers.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { triggerToWire } from '../wire/trigger.ts';

/** docs/WIRE.md, Triggers; they are listed by `POST /query/faas`. */
export function triggerRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/triggers', jsonBody, async (request, response) => {
    const trigger = await createTrigger(platform, actorOf(request), request.body);
    response.json(triggerToWire(trigger, baseUrlOf(request), platform.clock.now()));
  });

  router.get('/triggers/:id', async (request, response) => {
    const trigger = await getTrigger(platform, actorOf(request), request.params.id);
    response.json(triggerToWire(trigger, baseUrlOf(request), platform.clock.now()));
  });

  router.patch('/triggers/:id', jsonBody, async (request, response) => {
    const trigger = await updateTrigger(platform, actorOf(request), request.params.id, request.body);
    response.json(triggerToWire(trigger, baseUrlOf(request), platform.clock.now()));
  });

  router.delete('/triggers/:id', async (request, response) => {
    await deleteTrigger(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  return router;
}
