import { Router } from 'express';
import { VERSION } from '../../version.ts';
import type { ApiContext } from '../context.ts';

/** Whether the API can answer. */
export function healthRoutes({ platform }: ApiContext): Router {
  const router = Router();

  /** 200 when the store answers; its error otherwise. */
  router.get('/health', async (_request, response) => {
    await platform.store.get('Project', '-');
    response.json({ status: 'ok', version: VERSION, store: platform.store.kind });
  });

  return router;
}
