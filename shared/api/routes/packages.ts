import { Router } from 'express';
import {
  createPackage,
  deletePackage,
  getPackage,
  packageRevisions,
  updatePackage,
} from '../../catalog/packages.ts';
import { assertName } from '../../services/names.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { packageToWire } from '../wire/package.ts';

/** Packages of docs/WIRE.md; they are listed by `POST /query/faas`. */
export function packageRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/packages', jsonBody, async (request, response) => {
    const made = await createPackage(platform, actorOf(request), request.body);
    response.json(packageToWire(made, baseUrlOf(request)));
  });

  router.get('/packages/:id', async (request, response) => {
    const found = await getPackage(platform, actorOf(request), request.params.id);
    response.json(packageToWire(found, baseUrlOf(request)));
  });

  router.patch('/packages/:id', jsonBody, async (request, response) => {
    const updated = await updatePackage(platform, actorOf(request), request.params.id, request.body);
    response.json(packageToWire(updated, baseUrlOf(request)));
  });

  router.delete('/packages/:id', async (request, response) => {
    await deletePackage(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.get('/packages/:id/revisions', async (request, response) => {
    response.json(await packageRevisions(platform, actorOf(request), request.params.id));
  });

  for (const [path, kind] of [
    ['packages', 'package'],
    ['services', 'service'],
  ] as const)
    router.get(`/piper-misc/naming/${path}/:name`, (request, response) => {
      assertName(kind, request.params.name);
      response.json({ name: request.params.name, valid: true });
    });

  return router;
}
