import express, { type Express, type RequestHandler } from 'express';
import { SECURITY_HEADERS } from '../http/security-headers.ts';
import { redactorOf } from '../redact.ts';
import type { ApiContext } from './context.ts';
import { errorHandler } from './error-handler.ts';
import { routesOf, whyNotRouted } from './route-table.ts';
import { annotationRoutes } from './routes/annotations.ts';
import { clientChoreRoutes } from './routes/client-chores.ts';
import { commandRoutes } from './routes/commands.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { executionRoutes } from './routes/executions.ts';
import { faasQueryRoutes } from './routes/faas-query.ts';
import { healthRoutes } from './routes/health.ts';
import { itemRoutes } from './routes/items.ts';
import { metricRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { ontologyRoutes } from './routes/ontologies.ts';
import { packageRoutes } from './routes/packages.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { projectRoutes } from './routes/projects.ts';
import { recipeRoutes } from './routes/recipes.ts';
import { serviceRoutes } from './routes/services.ts';
import { snapshotRoutes } from './routes/snapshots.ts';
import { triggerRoutes } from './routes/triggers.ts';

/** Where the entity API lies; `baseUrlOf` of the context ends with it. */
export const API_PATH = '/api/v1';

/** One line a family of entities. */
const ROUTERS = [
  projectRoutes,
  datasetRoutes,
  recipeRoutes,
  ontologyRoutes,
  itemRoutes,
  annotationRoutes,
  modelRoutes,
  snapshotRoutes,
  metricRoutes,
  triggerRoutes,
  executionRoutes,
  packageRoutes,
  serviceRoutes,
  pipelineRoutes,
  faasQueryRoutes,
  commandRoutes,
  healthRoutes,
  clientChoreRoutes,
] as const;

/**
 * The entity API as an Express app that has not been started. Bodies are JSON of at most 64 MB; whatever goes wrong
 * is answered as JSON. Which addresses may ask is the gateway's to decide.
 */
export function createApp(context: ApiContext): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const routers = ROUTERS.map((routesFor) => routesFor(context));
  const routes = routesOf(routers);
  app.use(headersFor(context));
  if (context.guard) app.use(context.guard);
  app.use(API_PATH, ...routers);
  app.use(({ method, path }) => {
    throw whyNotRouted(routes, method, path.startsWith(`${API_PATH}/`) ? path.slice(API_PATH.length) : path);
  });
  app.use(errorHandler(context.platform.log, redactorOf(context.platform.config)));
  return app;
}

/** Names the request, by the caller's own id when that is harmless, so that logs of both sides can be put together. */
function headersFor({ platform }: ApiContext): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id');
    const id = given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : platform.ids.uuid();
    response.set({ ...SECURITY_HEADERS, 'X-Request-Id': id });
    next();
  };
}
