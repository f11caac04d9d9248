import { type Request, type Response, Router } from 'express';
import { exportAnnotations } from '../../catalog/annotation-export.ts';
import { cloneDataset } from '../../catalog/dataset-clone.ts';
import { type DatasetAnswer, queryDataset } from '../../catalog/dataset-query.ts';
import {
  createDataset,
  deleteDataset,
  getDataset,
  listDatasets,
  setReadonly,
  updateDataset,
} from '../../catalog/datasets.ts';
import { directoryTree } from '../../catalog/directory-tree.ts';
import type { Dataset } from '../../entities/dataset.ts';
import { isJsonObject } from '../../json.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { flagParameter, textParameter } from '../query-parameters.ts';
import { annotationToWire } from '../wire/annotation.ts';
import { commandToWire } from '../wire/command.ts';
import { datasetToWire } from '../wire/dataset.ts';
import { itemToWire } from '../wire/item.ts';
import { pageToWire } from '../wire/page.ts';

/** docs/WIRE.md, Datasets, and the queries. */
export function datasetRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();
  const send = (request: Request, response: Response, dataset: Dataset): void => {
    response.json(datasetToWire(dataset, baseUrlOf(request)));
  };

  router.post('/datasets', jsonBody, async (request, response) => {
    send(request, response, await createDataset(platform, actorOf(request), request.body));
  });

  router.get('/datasets', async (request, response) => {
    const [name, creator, projectId] = ['name', 'creator', 'projects'].map((key) =>
      textParameter(request, key),
    );
    const datasets = await listDatasets(platform, actorOf(request), {
      ...(name !== undefined && { name }),
      ...(creator !== undefined && { creator }),
      ...(projectId !== undefined && { projectId }),
    });
    response.json(datasets.map((dataset) => datasetToWire(dataset, baseUrlOf(request))));
  });

  router.get('/datasets/:id', async (request, response) => {
    send(request, response, await getDataset(platform, actorOf(request), request.params.id));
  });

  router.patch('/datasets/:id', jsonBody, async (request, response) => {
    const { id } = request.params;
    const lock = lockOnly(request.body);
    const dataset =
      lock === undefined
        ? await updateDataset(platform, actorOf(request), id, request.body, {
            system: flagParameter(request, 'system'),
          })
        : await setReadonly(platform, actorOf(request), id, lock);
    send(request, response, dataset);
  });

  router.delete('/datasets/:id', async (request, response) => {
    await deleteDataset(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.get('/datasets/:id/directoryTree', async (request, response) => {
    response.json(await directoryTree(platform, actorOf(request), request.params.id));
  });

  router.post('/datasets/:id/query', jsonBody, async (request, response) => {
    const answer = await queryDataset(platform, actorOf(request), request.params.id, request.body);
    response.json(answerToWire(answer, baseUrlOf(request)));
  });

  router.post('/datasets/:id/clone', jsonBody, async (request, response) => {
    const command = await cloneDataset(platform, actorOf(request), request.params.id, request.body);
    response.json(commandToWire(command, baseUrlOf(request)));
  });

  router.post('/datasets/:id/export', jsonBody, async (request, response) => {
    const baseUrl = baseUrlOf(request);
    const command = await exportAnnotations(platform, actorOf(request), request.params.id, request.body, {
      item: (item) => itemToWire(item, baseUrl),
      annotation: (annotation) => annotationToWire(annotation, baseUrl),
    });
    response.json(commandToWire(command, baseUrl));
  });

  return router;
}

/**
 * A lock changes only by a body of that one key: a client that sends a whole dataset back must not unlock what
 * another has locked meanwhile.
 */
function lockOnly(body: unknown): boolean | undefined {
  if (!isJsonObject(body) || Object.keys(body).length !== 1) return undefined;
  return typeof body.readonly === 'boolean' ? body.readonly : undefined;
}

function answerToWire(answer: DatasetAnswer, baseUrl: string): unknown {
  switch (answer.kind) {
    case 'items':
      return pageToWire(answer.page, (item) => itemToWire(item, baseUrl));
    case 'annotations':
      return pageToWire(answer.page, (annotation) => annotationToWire(annotation, baseUrl));
    case 'deleted':
      return { deleted: answer.count };
    case 'updated':
      return { updated: answer.count };
  }
}
