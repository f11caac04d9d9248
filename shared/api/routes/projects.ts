import { Router } from 'express';
import {
  createProject,
  deleteProject,
  findProjectsByName,
  getProject,
  listProjects,
  updateProject,
} from '../../catalog/projects.ts';
import { EntityNotFound } from '../../store/errors.ts';
import { formBody, jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { projectToWire } from '../wire/project.ts';

/** docs/WIRE.md, Projects. */
export function projectRoutes(api: ApiContext): Router {
  const { platform, actorOf } = api;
  const router = Router();

  router.post('/projects', formBody, jsonBody, async (request, response) => {
    response.json(projectToWire(await createProject(platform, actorOf(request), request.body)));
  });

  router.get('/projects', async (request, response) => {
    response.json((await listProjects(platform, actorOf(request))).map(projectToWire));
  });

  router.get('/projects/:name/name', async (request, response) => {
    const { name } = request.params;
    const found = await findProjectsByName(platform, actorOf(request), name);
    // An empty array with status 200 crashes the client.
    if (found.length === 0)
      throw new EntityNotFound({ kind: 'Project', reference: `named ${JSON.stringify(name)}` });
    response.json(found.map(projectToWire));
  });

  router.get('/projects/:id', async (request, response) => {
    response.json(projectToWire(await getProject(platform, actorOf(request), request.params.id)));
  });

  router.patch('/projects/:id', jsonBody, async (request, response) => {
    const { id } = request.params;
    response.json(projectToWire(await updateProject(platform, actorOf(request), id, request.body)));
  });

  router.delete('/projects/:id', async (request, response) => {
    await deleteProject(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  return router;
}
