import { Router } from 'express';
import { VERSION } from '../../version.ts';

/** What the SDK asks for by itself, beside what its user wanted: when it is imported, and after a project was found. */
export function clientChoreRoutes(): Router {
  const router = Router();

  router.post('/sdk/check', (_request, response) => {
    response.json({ level: 'debug', msg: `modelfn ${VERSION}` });
  });

  // Settings of a platform's users and projects: there are none.
  router.post('/settings/resolve', (_request, response) => {
    response.json([]);
  });

  router.post('/settings/query', (_request, response) => {
    response.json({ items: [], totalItemsCount: 0, totalPagesCount: 0, hasNextPage: false });
  });

  // What a user does with the SDK is counted by nobody here.
  router.post('/analytics/metric/pendo', (_request, response) => {
    response.json({});
  });

  return router;
}
