import { Router } from 'express';
import { VERSION } from '../../version.ts';
import type { ApiContext } from '../context.ts';

/** Whether the API can answer, and what the client asks for when it is imported (contract section 1.4). */
export function healthRoutes({ platform }: ApiContext): Router {
  const router = Router();

  /** 200 when the store answers; its error otherwise. */
  router.get('/health', async (_request, response) => {
    await platform.store.get('Project', '-');
    response.json({ status: 'ok', version: VERSION, store: platform.store.kind });
  });

  router.post('/sdk/check', (_request, response) => {
    response.json({ level: 'debug', msg: `modelfn ${VERSION}` });
  });

  return router;
}
