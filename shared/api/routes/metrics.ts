import { type Request, Router } from 'express';
import * as z from 'zod/mini';
import {
  type CurveChoice,
  deleteMetrics,
  logMetrics,
  logPoints,
  MAX_SAMPLES,
  readMetrics,
} from '../../catalog/metrics.ts';
import { givenMetricNumberSchema } from '../../entities/metric-number.ts';
import { metricSampleSchema } from '../../entities/metric-sample.ts';
import { parse } from '../../parse.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { textParameter } from '../query-parameters.ts';
import { metricSampleToWire } from '../wire/metric-sample.ts';

const { snapshotId, figure, legend } = metricSampleSchema.shape;

/** Points as the SDK's `add_metric_samples` sends them: `measure0` is x, `measure1` is y. */
const sdkSamplesSchema = z
  .array(
    z.object({
      snapshotId,
      figure,
      legend,
      measure0: givenMetricNumberSchema,
      measure1: givenMetricNumberSchema,
    }),
  )
  .check(z.maxLength(MAX_SAMPLES));

/** Curves of a snapshot: by our own routes, and as later versions of the SDK send points. */
export function metricRoutes(api: ApiContext): Router {
  const { platform, actorOf } = api;
  const router = Router();

  router.post('/snapshots/:id/metrics', jsonBody, async (request, response) => {
    const samples = await logMetrics(platform, actorOf(request), request.params.id, request.body);
    response.json(samples.map(metricSampleToWire));
  });

  router.post('/snapshots/metric', jsonBody, async (request, response) => {
    const list: unknown = Array.isArray(request.body) ? request.body : [request.body];
    const points = parse(sdkSamplesSchema, list, 'list of metric samples').map(
      ({ snapshotId, measure0, measure1, ...names }) => ({
        snapshotId,
        point: { ...names, x: measure0, y: measure1 },
      }),
    );
    const samples = await logPoints(platform, actorOf(request), points, api.nextSampleId);
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
