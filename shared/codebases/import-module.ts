import { realpath } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ImportRefused } from './errors.ts';

/** URLs of the checkouts that this process imported from, each with a `/` at its end. */
const confined = new Set<string>();
let hasHook = false;

/**
 * Imports a file of a checkout. Node keeps modules by their path, and another digest has another folder: changed code is
 * another module. Code of a checkout can import files of the same checkout and modules of Node, nothing else: what runs is
 * what the digest names.
 * @throws ImportRefused, and what the code throws while it is imported
 */
export async function importModule(directory: string, entryPoint: string): Promise<Record<string, unknown>> {
  const root = await realpath(directory);
  confined.add(`${pathToFileURL(root).href}/`);
  confine();
  return (await import(pathToFileURL(join(root, entryPoint)).href)) as Record<string, unknown>;
}

/** Also covers `require`. */
function confine(): void {
  if (hasHook) return;
  hasHook = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = nextResolve(specifier, context);
      const root = context.parentURL === undefined ? undefined : rootOf(context.parentURL);
      if (root !== undefined && found.url.startsWith('file:') && !found.url.startsWith(root))
        throw new ImportRefused(specifier, context.parentURL!.slice(root.length));
      return found;
    },
  });
}

function rootOf(url: string): string | undefined {
  for (const root of confined) if (url.startsWith(root)) return root;
  return undefined;
}
