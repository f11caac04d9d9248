import { type Request, Router } from 'express';
import {
  createPipeline,
  deletePipeline,
  executePipeline,
  getPipeline,
  getPipelineExecution,
  queryPipelineExecutions,
  queryPipelines,
  updatePipeline,
} from '../../catalog/pipelines.ts';
import type { PipelineExecution } from '../../entities/pipeline.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { pageToWire } from '../wire/page.ts';
import { pipelineExecutionToWire, pipelineToWire } from '../wire/pipeline.ts';

/** docs/PIPELINES.md. A run is recorded here and begun by whoever runs pipelines; it is polled. */
export function pipelineRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/pipelines', jsonBody, async (request, response) => {
    const pipeline = await createPipeline(platform, actorOf(request), request.body);
    response.json(pipelineToWire(pipeline, baseUrlOf(request)));
  });

  router.post('/pipelines/query', jsonBody, async (request, response) => {
    const envelope: unknown = request.body;
    const baseUrl = baseUrlOf(request);
    if (isJsonObject(envelope) && envelope.resource === 'pipelineState') {
      const page = await queryPipelineExecutions(platform, actorOf(request), envelope);
      const shown = new Map(
        await Promise.all(page.items.map(async (each) => [each.id, await toWire(each, request)] as const)),
      );
      response.json(pageToWire(page, ({ id }) => shown.get(id)!));
      return;
    }
    const page = await queryPipelines(platform, actorOf(request), envelope);
    response.json(pageToWire(page, (pipeline) => pipelineToWire(pipeline, baseUrl)));
  });

  router.get('/pipelines/:id', async (request, response) => {
    const pipeline = await getPipeline(platform, actorOf(request), request.params.id);
    response.json(pipelineToWire(pipeline, baseUrlOf(request)));
  });

  router.patch('/pipelines/:id', jsonBody, async (request, response) => {
    const pipeline = await updatePipeline(platform, actorOf(request), request.params.id, request.body);
    response.json(pipelineToWire(pipeline, baseUrlOf(request)));
  });

  router.delete('/pipelines/:id', async (request, response) => {
    await deletePipeline(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.post('/pipelines/:id/execute', jsonBody, async (request, response) => {
    const execution = await executePipeline(platform, actorOf(request), request.params.id, request.body);
    response.json(await toWire(execution, request));
  });

  router.get('/pipelines/:id/executions/:executionId', async (request, response) => {
    const { id, executionId } = request.params;
    const execution = await getPipelineExecution(platform, actorOf(request), id, executionId);
    response.json(await toWire(execution, request));
  });

  // A pipeline needs no installing here; the client asks for it and takes any success.
  for (const change of ['install', 'uninstall'])
    router.post(`/compositions/:id/${change}`, async (request, response) => {
      const pipeline = await getPipeline(platform, actorOf(request), request.params.id);
      response.json({ id: pipeline.id, status: change === 'install' ? 'Installed' : 'Uninstalled' });
    });

  return router;

  async function toWire(execution: PipelineExecution, request: Request): Promise<JsonObject> {
    const ids = Object.values(execution.nodes).flatMap(({ executionIds }) => executionIds);
    const found = await platform.store.getMany('Execution', ids);
    const byId = new Map(found.map(({ entity }) => [entity.id, entity]));
    return pipelineExecutionToWire(execution, byId, baseUrlOf(request));
  }
}
