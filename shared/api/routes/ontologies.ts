import { Router } from 'express';
import {
  createOntology,
  deleteOntology,
  getOntology,
  listOntologies,
  patchLabels,
  updateOntology,
} from '../../catalog/ontologies.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { listParameter, pagingParameters } from '../query-parameters.ts';
import { ontologyToWire } from '../wire/ontology.ts';
import { pageToWire } from '../wire/page.ts';

/** docs/WIRE.md, Recipes and ontologies. */
export function ontologyRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/ontologies', jsonBody, async (request, response) => {
    const ontology = await createOntology(platform, actorOf(request), request.body);
    response.json(ontologyToWire(ontology, baseUrlOf(request)));
  });

  router.get('/ontologies', async (request, response) => {
    const projectIds = listParameter(request, 'projects');
    const ids = listParameter(request, 'ids');
    const page = await listOntologies(platform, actorOf(request), {
      ...(projectIds && { projectIds }),
      ...(ids && { ids }),
      ...pagingParameters(request),
    });
    response.json(pageToWire(page, (ontology) => ontologyToWire(ontology, baseUrlOf(request))));
  });

  router.get('/ontologies/:id', async (request, response) => {
    const ontology = await getOntology(platform, actorOf(request), request.params.id);
    response.json(ontologyToWire(ontology, baseUrlOf(request)));
  });

  router.put('/ontologies/:id', jsonBody, async (request, response) => {
    const ontology = await updateOntology(platform, actorOf(request), request.params.id, request.body);
    response.json(ontologyToWire(ontology, baseUrlOf(request)));
  });

  router.patch('/ontologies/:id/labels', jsonBody, async (request, response) => {
    const ontology = await patchLabels(platform, actorOf(request), request.params.id, request.body);
    response.json(ontologyToWire(ontology, baseUrlOf(request)));
  });

  router.delete('/ontologies/:id', async (request, response) => {
    await deleteOntology(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  return router;
}
