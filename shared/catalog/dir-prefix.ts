import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { itemsAt } from './folders.ts';

/**
 * A client asks for the files of an item bucket with `dir` = `X*`, which by the rules of wildcards also selects the
 * sibling `X0`: emptying one snapshot's bucket would empty another's (docs/WIRE.md, Buckets). Where a folder X
 * exists, the condition is read as "X or below X".
 */
export async function protectSiblings(
  store: EntityStore,
  datasetId: string,
  filter: JsonObject,
): Promise<JsonObject> {
  const prefixes = prefixesIn(filter);
  if (prefixes.length === 0) return filter;
  const present = await itemsAt(store, datasetId, prefixes);
  const folders = new Set(prefixes.filter((prefix) => present.get(prefix)?.type === 'dir'));
  return rewrite(filter, folders) as JsonObject;
}

function prefixesIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(prefixesIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const prefix = key === 'dir' ? prefixOf(inner) : undefined;
    return prefix === undefined ? prefixesIn(inner) : [prefix];
  });
}

function rewrite(value: Json, folders: ReadonlySet<string>): Json {
  if (Array.isArray(value)) return value.map((inner) => rewrite(inner, folders));
  if (!isJsonObject(value)) return value;
  const { dir, ...others } = value;
  const prefix = dir === undefined ? undefined : prefixOf(dir);
  const kept: JsonObject = {};
  for (const [key, inner] of Object.entries(others)) kept[key] = rewrite(inner, folders);
  if (dir === undefined) return kept;
  if (prefix === undefined || !folders.has(prefix)) return { ...kept, dir };
  const within: JsonObject = { $or: [{ dir: { $in: [prefix] } }, { dir: `${prefix}/*` }] };
  return Object.keys(kept).length === 0 ? within : { $and: [kept, within] };
}

/** X of `X*`, when there is no other wildcard and X could be a folder. */
function prefixOf(value: Json): string | undefined {
  if (typeof value !== 'string' || !value.endsWith('*')) return undefined;
  const prefix = value.slice(0, -1);
  return prefix === '' || prefix.endsWith('/') || prefix.includes('*') ? undefined : prefix;
}
