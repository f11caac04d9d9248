import { type Request, type Response, Router } from 'express';
import { cloneSnapshot } from '../../catalog/snapshot-clone.ts';
import { listRevisions, restoreSnapshot } from '../../catalog/snapshot-revisions.ts';
import {
  createSnapshot,
  deleteSnapshot,
  getSnapshot,
  querySnapshots,
  updateSnapshot,
} from '../../catalog/snapshots.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { shownRevision } from '../../entities/snapshot-revision.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { flagParameter, pagingParameters } from '../query-parameters.ts';
import { pageToWire } from '../wire/page.ts';
import { readerOf } from '../wire/sdk-entity.ts';
import { snapshotToWire } from '../wire/snapshot.ts';

/** docs/WIRE.md, Snapshots; `clone`, `revisions` and `restore` are ours: the client clones by itself, and knows no revisions. */
export function snapshotRoutes(api: ApiContext): Router {
  const { platform, actorOf } = api;
  const router = Router();
  const send = (request: Request, response: Response, snapshot: Snapshot): void => {
    response.json(snapshotToWire(snapshot, readerOf(request)));
  };

  router.post('/snapshots', jsonBody, async (request, response) => {
    send(request, response, await createSnapshot(platform, actorOf(request), request.body));
  });

  router.post('/snapshots/query', jsonBody, async (request, response) => {
    const page = await querySnapshots(platform, actorOf(request), request.body);
    const reader = readerOf(request);
    response.json(pageToWire(page, (snapshot) => snapshotToWire(snapshot, reader)));
  });

  router.get('/snapshots/:id', async (request, response) => {
    send(request, response, await getSnapshot(platform, actorOf(request), request.params.id));
  });

  router.patch('/snapshots/:id', jsonBody, async (request, response) => {
    const { id } = request.params;
    const { executionId } = api;
    const snapshot = await updateSnapshot(platform, actorOf(request), id, request.body, {
      ...(executionId !== undefined && { executionId }),
    });
    send(request, response, snapshot);
  });

  router.delete('/snapshots/:id', async (request, response) => {
    const { id } = request.params;
    await deleteSnapshot(platform, actorOf(request), id, { force: flagParameter(request, 'force') });
    response.json({ id });
  });

  router.post('/snapshots/:id/clone', jsonBody, async (request, response) => {
    const { id } = request.params;
    send(request, response, await cloneSnapshot(platform, actorOf(request), id, request.body));
  });

  router.get('/snapshots/:id/revisions', async (request, response) => {
    const { id } = request.params;
    const page = await listRevisions(platform, actorOf(request), id, pagingParameters(request));
    response.json(pageToWire(page, shownRevision));
  });

  router.post('/snapshots/:id/restore', jsonBody, async (request, response) => {
    const { id } = request.params;
    send(request, response, await restoreSnapshot(platform, actorOf(request), id, request.body));
  });

  return router;
}
