import { Router } from 'express';
import * as z from 'zod/mini';
import {
  cloneRecipe,
  createRecipe,
  deleteRecipe,
  getRecipe,
  listRecipes,
  updateRecipe,
} from '../../catalog/recipes.ts';
import { parse } from '../../parse.ts';
import { jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { flagParameter, listParameter, pagingParameters } from '../query-parameters.ts';
import { pageToWire } from '../wire/page.ts';
import { recipeToWire } from '../wire/recipe.ts';

const cloneSchema = z.object({ shallow: z._default(z.boolean(), false) });

/** docs/WIRE.md, Recipes and ontologies. */
export function recipeRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  router.post('/recipes', jsonBody, async (request, response) => {
    const recipe = await createRecipe(platform, actorOf(request), request.body);
    response.json(recipeToWire(recipe, baseUrlOf(request)));
  });

  router.get('/recipes', async (request, response) => {
    const projectIds = listParameter(request, 'projects');
    const page = await listRecipes(platform, actorOf(request), {
      ...(projectIds && { projectIds }),
      ...pagingParameters(request),
    });
    response.json(pageToWire(page, (recipe) => recipeToWire(recipe, baseUrlOf(request))));
  });

  router.get('/recipes/:id', async (request, response) => {
    const recipe = await getRecipe(platform, actorOf(request), request.params.id);
    response.json(recipeToWire(recipe, baseUrlOf(request)));
  });

  router.patch('/recipes/:id', jsonBody, async (request, response) => {
    const recipe = await updateRecipe(platform, actorOf(request), request.params.id, request.body, {
      system: flagParameter(request, 'system'),
    });
    response.json(recipeToWire(recipe, baseUrlOf(request)));
  });

  router.delete('/recipes/:id', async (request, response) => {
    await deleteRecipe(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.post('/recipes/:id/clone', jsonBody, async (request, response) => {
    const options = parse(cloneSchema, request.body ?? {}, 'clone of a recipe');
    const recipe = await cloneRecipe(platform, actorOf(request), request.params.id, options);
    response.json(recipeToWire(recipe, baseUrlOf(request)));
  });

  return router;
}
