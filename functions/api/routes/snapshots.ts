import { Router } from 'express';
import { cloneSnapshot } from '../../../shared/catalog/snapshot-clone.ts';
import { listRevisions, restoreSnapshot } from '../../../shared/catalog/snapshot-revisions.ts';
import {
  createSnapshot,
  deleteSnapshot,
  getSnapshot,
  querySnapshots,
  updateSnapshot,
} from '../../../shared/catalog/snapshots.ts';
import { shownRevision } from '../../../shared/entities/snapshot-revision.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { flagParameter, pagingParameters } from '../query-parameters.ts';
import { pageToWire } from '../wire/page.ts';
import { snapshotToWire } from '../wire/snapshot.ts';

/** Contract section 4.8; `clone`, `revisions` and `restore` are ours: the client clones by itself, and knows no revisions. */
export function snapshotRoutes(api: ApiContext): Router {
  const { platform, actorOf } = api;
  const router = Router();

  router.post('/snapshots', jsonBody, async (request, response) => {
    response.json(snapshotToWire(await createSnapshot(platform, actorOf(request), request.body)));
  });

  router.post('/snapshots/query', jsonBody, async (request, response) => {
    const page = await querySnapshots(platform, actorOf(request), request.body);
    response.json(pageToWire(page, snapshotToWire));
  });

  router.get('/snapshots/:id', async (request, response) => {
    response.json(snapshotToWire(await getSnapshot(platform, actorOf(request), request.params.id)));
  });

  router.patch('/snapshots/:id', jsonBody, async (request, response) => {
    const { id } = request.params;
    response.json(snapshotToWire(await updateSnapshot(platform, actorOf(request), id, request.body)));
  });

  router.delete('/snapshots/:id', async (request, response) => {
    const { id } = request.params;
    await deleteSnapshot(platform, actorOf(request), id, { force: flagParameter(request, 'force') });
    response.json({ id });
  });

  router.post('/snapshots/:id/clone', jsonBody, async (request, response) => {
    const { id } = request.params;
    response.json(snapshotToWire(await cloneSnapshot(platform, actorOf(request), id, request.body)));
  });

  router.get('/snapshots/:id/revisions', async (request, response) => {
    const { id } = request.params;
    const page = await listRevisions(platform, actorOf(request), id, pagingParameters(request));
    response.json(pageToWire(page, shownRevision));
  });

  router.post('/snapshots/:id/restore', jsonBody, async (request, response) => {
    const { id } = request.params;
    response.json(snapshotToWire(await restoreSnapshot(platform, actorOf(request), id, request.body)));
  });

  return router;
}
