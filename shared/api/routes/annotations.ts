import { Router } from 'express';
import {
  createAnnotations,
  deleteAnnotation,
  getAnnotation,
  listAnnotations,
  readTensorFile,
  updateAnnotation,
} from '../../catalog/annotations.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { flagParameter } from '../query-parameters.ts';
import { sendFile } from '../send-file.ts';
import { annotationToWire } from '../wire/annotation.ts';

/** docs/WIRE.md, Annotations. */
export function annotationRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/items/:id/annotations', jsonBody, async (request, response) => {
    const made = await createAnnotations(platform, actorOf(request), request.params.id, request.body);
    response.json(made.map((annotation) => annotationToWire(annotation, baseUrlOf(request))));
  });

  // Where the `annotations` link of an item leads.
  router.get('/datasets/:datasetId/items/:id/annotations', async (request, response) => {
    const { id, datasetId } = request.params;
    const found = await listAnnotations(platform, actorOf(request), id, { datasetId });
    response.json(found.map((annotation) => annotationToWire(annotation, baseUrlOf(request))));
  });

  router.get('/annotations/:id', async (request, response) => {
    const annotation = await getAnnotation(platform, actorOf(request), request.params.id);
    response.json(annotationToWire(annotation, baseUrlOf(request)));
  });

  router.get('/datasets/:datasetId/items/:itemId/annotations/:id', async (request, response) => {
    const { id, ...parents } = request.params;
    const annotation = await getAnnotation(platform, actorOf(request), id, parents);
    response.json(annotationToWire(annotation, baseUrlOf(request)));
  });

  router.get('/annotations/:id/stream', async (request, response) => {
    const file = await readTensorFile(platform, actorOf(request), request.params.id);
    await sendFile(request, response, file);
  });

  router.put('/annotations/:id', jsonBody, async (request, response) => {
    const annotation = await updateAnnotation(platform, actorOf(request), request.params.id, request.body, {
      system: flagParameter(request, 'system'),
    });
    response.json(annotationToWire(annotation, baseUrlOf(request)));
  });

  // The client sends a JSON body with its name; who asks is known from the token.
  router.delete('/annotations/:id', async (request, response) => {
    await deleteAnnotation(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  return router;
}
