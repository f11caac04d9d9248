import { Router } from 'express';
import {
  createModel,
  deleteModel,
  getModel,
  modelRevisions,
  queryModels,
  updateModel,
} from '../../catalog/models.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { modelToWire } from '../wire/model.ts';
import { pageToWire } from '../wire/page.ts';
import { modelFromWire, readerOf } from '../wire/sdk-entity.ts';

/** docs/WIRE.md, Models. */
export function modelRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/models', jsonBody, async (request, response) => {
    const model = await createModel(platform, actorOf(request), modelFromWire(request.body));
    response.json(modelToWire(model, baseUrlOf(request), readerOf(request)));
  });

  router.post('/models/query', jsonBody, async (request, response) => {
    const page = await queryModels(platform, actorOf(request), request.body);
    response.json(pageToWire(page, (model) => modelToWire(model, baseUrlOf(request), readerOf(request))));
  });

  router.get('/models/:id', async (request, response) => {
    const model = await getModel(platform, actorOf(request), request.params.id);
    response.json(modelToWire(model, baseUrlOf(request), readerOf(request)));
  });

  router.patch('/models/:id', jsonBody, async (request, response) => {
    const patch = modelFromWire(request.body);
    const model = await updateModel(platform, actorOf(request), request.params.id, patch);
    response.json(modelToWire(model, baseUrlOf(request), readerOf(request)));
  });

  router.delete('/models/:id', async (request, response) => {
    await deleteModel(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.get('/models/:id/revisions', async (request, response) => {
    response.json(await modelRevisions(platform, actorOf(request), request.params.id));
  });

  return router;
}
