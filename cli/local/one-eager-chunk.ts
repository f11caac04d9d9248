import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

/**
 * Keeps all that a function reads at its cold start in one chunk. esbuild gives each set of modules that the same entries
 * reach a chunk of its own, and every `import()` is an entry: dozens of small files, each resolved, opened and compiled by
 * itself. So every module behind an `import()` is made to import the function's entry as well, which it does not use and
 * which was evaluated long before: then all entries reach all of the eager modules, and these share one chunk.
 */
export function oneEagerChunk(graph: ModuleGraph, root: string, entry: string): Plugin {
  const lazy = lazyModules(graph, root, entry);
  return {
    name: 'one-eager-chunk',
    setup({ onLoad }) {
      if (lazy.size === 0) return;
      // By a filter of esbuild's own: to be asked of each of some hundred files takes longer than to bundle them.
      onLoad({ filter: anyOf(lazy) }, async ({ path }) => ({
        contents: `${await readFile(path, 'utf8')}\n${importOf(entry, path)}\n`,
        loader: 'ts',
      }));
    },
  };
}

/** Matches these paths and no other, in Go's syntax as in JavaScript's. */
function anyOf(paths: ReadonlySet<string>): RegExp {
  return new RegExp(
    `^(?:${[...paths].map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$`,
  );
}

/** By a relative path: the chunk's name is made from its text, and is to be the same in every folder. */
function importOf(entry: string, from: string): string {
  const path = relative(dirname(from), entry).replaceAll('\\', '/');
  return `import ${JSON.stringify(path.startsWith('.') ? path : `./${path}`)};`;
}

/** What imports what, from some entries on; paths are relative to the build's working folder. */
export type ModuleGraph = Metafile['inputs'];

/** Bundles entries for the sake of their graph alone: once for all, as they share most of it. */
export async function moduleGraph(options: BuildOptions, entries: readonly string[]): Promise<ModuleGraph> {
  const { metafile } = await build({
    ...options,
    entryPoints: [...entries],
    // Entries of one name would overwrite each other; nothing is written.
    entryNames: '[dir]/[name]',
    minify: false,
    sourcemap: false,
    metafile: true,
  });
  return metafile.inputs;
}

/** Our own modules that stand behind an `import()`. Packages keep to themselves: they import nothing of ours. */
function lazyModules(graph: ModuleGraph, root: string, entry: string): Set<string> {
  const lazy = new Set<string>();
  const known = new Set<string>();
  const next = [relative(root, entry).replaceAll('\\', '/')];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (known.has(path)) continue;
    known.add(path);
    for (const imported of graph[path]?.imports ?? []) {
      if (imported.external) continue;
      if (imported.kind === 'dynamic-import' && !imported.path.includes('node_modules/'))
        lazy.add(resolve(root, imported.path));
      next.push(imported.path);
    }
  }
  return lazy;
}
