import { type Request, Router } from 'express';
import { type CurveChoice, deleteMetrics, logMetrics, readMetrics } from '../../catalog/metrics.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { textParameter } from '../query-parameters.ts';
import { metricSampleToWire } from '../wire/metric-sample.ts';

/** Curves of a snapshot. Ours: the client's own call for it sends nothing (contract section 7). */
export function metricRoutes(api: ApiContext): Router {
  const { platform, actorOf } = api;
  const router = Router();

  router.post('/snapshots/:id/metrics', jsonBody, async (request, response) => {
    const samples = await logMetrics(platform, actorOf(request), request.params.id, request.body);
    response.json(samples.map(metricSampleToWire));
  });

  router.get('/snapshots/:id/metrics', async (request, response) => {
    const samples = await readMetrics(platform, actorOf(request), request.params.id, curvesOf(request));
    response.json(samples.map(metricSampleToWire));
  });

  router.delete('/snapshots/:id/metrics', async (request, response) => {
    const { id } = request.params;
    response.json({ deleted: await deleteMetrics(platform, actorOf(request), id, curvesOf(request)) });
  });

  return router;
}

function curvesOf(request: Request): CurveChoice {
  return { figure: textParameter(request, 'figure'), legend: textParameter(request, 'legend') };
}
