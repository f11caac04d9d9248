import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Metafile } from 'esbuild';
import { sha256Of } from '../../shared/content/file-digest.ts';
import { canonicalJson } from '../../shared/json.ts';

/** Module from which all built-in adapters are reached. */
const REGISTRY = 'adapters/registry.ts';
const DIGITS = 16;

/**
 * Digest over the sources of the built-in adapters and all that they import: the same in the bundle of every function.
 * `none` for a function without built-in adapters.
 */
export async function builtInDigest(inputs: Metafile['inputs'], root: string): Promise<string> {
  if (!Object.hasOwn(inputs, REGISTRY)) return 'none';
  const digest = known.get(inputs) ?? digestSources(inputs, root);
  known.set(inputs, digest);
  return digest;
}

/** Functions that are built together have one graph. */
const known = new WeakMap<Metafile['inputs'], Promise<string>>();

async function digestSources(inputs: Metafile['inputs'], root: string): Promise<string> {
  const paths = [...reachable(inputs, REGISTRY)].sort();
  const files = await Promise.all(
    paths.map(async (path) => [path, sha256Of(await readFile(resolve(root, path)))] as const),
  );
  return sha256Of(canonicalJson(files)).slice(0, DIGITS);
}

function reachable(inputs: Metafile['inputs'], from: string): Set<string> {
  const found = new Set<string>();
  const next = [from];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (found.has(path) || !Object.hasOwn(inputs, path)) continue;
    found.add(path);
    for (const imported of inputs[path]!.imports) if (!imported.external) next.push(imported.path);
  }
  return found;
}
