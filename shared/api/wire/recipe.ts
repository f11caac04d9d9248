import type { Recipe } from '../../entities/recipe.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers). */
export function recipeToWire(recipe: Recipe, baseUrl: string): JsonObject {
  const { createdAt: _internal, ...fields } = recipe;
  return { ...fields, url: linkTo(baseUrl, 'recipes', recipe.id) };
}
