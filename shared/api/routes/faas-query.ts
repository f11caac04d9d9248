import { Router } from 'express';
import { queryExecutions } from '../../catalog/executions.ts';
import { queryTriggers } from '../../catalog/triggers.ts';
import { InvalidInput } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { Page } from '../../store/entity-store.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { executionToWire } from '../wire/execution.ts';
import { pageToWire } from '../wire/page.ts';
import { triggerToWire } from '../wire/trigger.ts';

/** Resources of the platform that modelfn has none of: functions are not packed and deployed through the API. */
const ALWAYS_EMPTY = ['services', 'packages'];

/** One query for all that runs (contract section 9): `resource` says of what. */
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
      default:
        response.json(EMPTY);
    }
  });

  return router;
}

const EMPTY: Page<never> = { items: [], totalItemsCount: 0, totalPagesCount: 0, hasNextPage: false };

function resourceOf(envelope: unknown): string {
  const resource = isJsonObject(envelope) ? envelope.resource : undefined;
  if (resource === 'triggers' || resource === 'executions') return resource;
  if (typeof resource === 'string' && ALWAYS_EMPTY.includes(resource)) return resource;
  throw new InvalidInput('query', [
    {
      field: 'resource',
      problem: 'takes "executions" or "triggers"; "services" and "packages" are always empty',
    },
  ]);
}
