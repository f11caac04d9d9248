import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * Keeps all that a function reads at its cold start in one chunk. esbuild gives each set of modules that the same entries
 * reach a chunk of its own, and every `import()` is an entry: dozens of small files, each resolved, opened and compiled by
 * itself. So every module behind an `import()` is made to import the function's entry as well, which it does not use and
 * which was evaluated long before: then all entries reach all of the eager modules, and these share one chunk.
 */
export async function oneEagerChunk(options: BuildOptions, root: string, entry: string): Promise<Plugin> {
  const lazy = await lazyModules(options, root, entry);
  return {
    name: 'one-eager-chunk',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!lazy.has(path)) return undefined;
        return { contents: `${await readFile(path, 'utf8')}\n${importOf(entry, path)}\n`, loader: 'ts' };
      });
    },
  };
}

/** By a relative path: the chunk's name is made from its text, and is to be the same in every folder. */
function importOf(entry: string, from: string): string {
  const path = relative(dirname(from), entry).replaceAll('\\', '/');
  return `import ${JSON.stringify(path.startsWith('.') ? path : `./${path}`)};`;
}

/** Our own modules that stand behind an `import()`. Packages keep to themselves: they import nothing of ours. */
async function lazyModules(options: BuildOptions, root: string, entry: string): Promise<Set<string>> {
  const { metafile } = await build({
    ...options,
    entryPoints: [entry],
    minify: false,
    sourcemap: false,
    metafile: true,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return new Set(
    imports
      .filter(
        ({ kind, external, path }) =>
          kind === 'dynamic-import' && !external && !path.includes('node_modules/'),
      )
      .map(({ path }) => resolve(root, path)),
  );
}
