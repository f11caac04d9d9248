import { Router } from 'express';
import { createBot, deleteBot, getBot, listBots } from '../../catalog/bots.ts';
import { queryServiceLogs } from '../../catalog/service-logs.ts';
import {
  createService,
  deleteService,
  getService,
  serviceRevisions,
  serviceStatus,
  setServiceActive,
  updateService,
} from '../../catalog/services.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { botToWire } from '../wire/bot.ts';
import { serviceToWire } from '../wire/service.ts';

/** Services of docs/WIRE.md; they are listed by `POST /query/faas`. */
export function serviceRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/services', jsonBody, async (request, response) => {
    const service = await createService(platform, actorOf(request), request.body);
    response.json(serviceToWire(service, baseUrlOf(request)));
  });

  router.get('/services/:id', async (request, response) => {
    const service = await getService(platform, actorOf(request), request.params.id);
    response.json(serviceToWire(service, baseUrlOf(request)));
  });

  router.patch('/services/:id', jsonBody, async (request, response) => {
    const service = await updateService(platform, actorOf(request), request.params.id, request.body);
    response.json(serviceToWire(service, baseUrlOf(request)));
  });

  router.delete('/services/:id', async (request, response) => {
    await deleteService(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.get('/services/:id/revisions', async (request, response) => {
    response.json(await serviceRevisions(platform, actorOf(request), request.params.id));
  });

  router.get('/services/:id/status', async (request, response) => {
    response.json(await serviceStatus(platform, actorOf(request), request.params.id));
  });

  for (const [verb, active] of [
    ['stop', false],
    ['resume', true],
  ] as const)
    router.post(`/services/:id/${verb}`, async (request, response) => {
      const service = await setServiceActive(platform, actorOf(request), request.params.id, active);
      response.json(serviceToWire(service, baseUrlOf(request)));
    });

  router.post('/services/:id/logs', jsonBody, async (request, response) => {
    response.json(await queryServiceLogs(platform, actorOf(request), request.params.id, request.body));
  });

  router.get('/projects/:id/bots', async (request, response) => {
    response.json((await listBots(platform, actorOf(request), request.params.id)).map(botToWire));
  });

  router.post('/projects/:id/bots', jsonBody, async (request, response) => {
    response.json(botToWire(await createBot(platform, actorOf(request), request.params.id, request.body)));
  });

  router.get('/projects/:id/bots/:botId', async (request, response) => {
    const { id, botId } = request.params;
    response.json(botToWire(await getBot(platform, actorOf(request), id, botId)));
  });

  router.delete('/projects/:id/bots/:botId', async (request, response) => {
    const { id, botId } = request.params;
    await deleteBot(platform, actorOf(request), id, botId);
    response.json({ id: botId });
  });

  return router;
}
