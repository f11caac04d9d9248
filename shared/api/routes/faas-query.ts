import { Router } from 'express';
import { queryExecutions } from '../../catalog/executions.ts';
import { queryPackages } from '../../catalog/packages.ts';
import { queryServices } from '../../catalog/services.ts';
import { queryTriggers } from '../../catalog/triggers.ts';
import { InvalidInput } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { executionToWire } from '../wire/execution.ts';
import { packageToWire } from '../wire/package.ts';
import { pageToWire } from '../wire/page.ts';
import { serviceToWire } from '../wire/service.ts';
import { triggerToWire } from '../wire/trigger.ts';

const RESOURCES = ['executions', 'triggers', 'packages', 'services'] as const;
type Resource = (typeof RESOURCES)[number];

/** One query for all that runs (docs/WIRE.md, Queries): `resource` says of what. */
export function faasQueryRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/query/faas', jsonBody, async (request, response) => {
    const envelope: unknown = request.body;
    const baseUrl = baseUrlOf(request);
    switch (resourceOf(envelope)) {
      case 'triggers': {
        const page = await queryTriggers(platform, actorOf(request), envelope);
        response.json(pageToWire(page, (trigger) => triggerToWire(trigger, baseUrl, platform.clock.now())));
        return;
      }
      case 'executions': {
        const page = await queryExecutions(platform, actorOf(request), envelope);
        response.json(pageToWire(page, (execution) => executionToWire(execution, baseUrl)));
        return;
      }
      case 'packages': {
        const page = await queryPackages(platform, actorOf(request), envelope);
        response.json(pageToWire(page, (each) => packageToWire(each, baseUrl)));
        return;
      }
      case 'services': {
        const page = await queryServices(platform, actorOf(request), envelope);
        response.json(pageToWire(page, (service) => serviceToWire(service, baseUrl)));
        return;
      }
    }
  });

  return router;
}

function resourceOf(envelope: unknown): Resource {
  const resource = isJsonObject(envelope) ? envelope.resource : undefined;
  const known = RESOURCES.find((each) => each === resource);
  if (known) return known;
  throw new InvalidInput('query', [{ field: 'resource', problem: `takes ${RESOURCES.join(', ')}` }]);
}
