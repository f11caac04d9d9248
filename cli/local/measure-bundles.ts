import type { Metafile } from 'esbuild';

/** What a function's bundle weighs, in bytes of JavaScript; source maps and notices are left out. */
export interface BundleSize {
  /** Read at every cold start: the entry and what it imports statically. */
  eagerBytes: number;
  /** The files that is: each is found, opened and compiled by itself. */
  eagerFiles: number;
  /** Read when an `import()` asks for it, if ever. */
  lazyBytes: number;
}

/** Measures one function's bundle by the metafile of its build. */
export function measureBundles(metafile: Metafile): BundleSize {
  const scripts = Object.entries(metafile.outputs).filter(([path]) => path.endsWith('.mjs'));
  const entries = scripts.filter(([, output]) => output.entryPoint?.endsWith('handler.ts'));
  const eager = staticClosure(
    metafile,
    entries.map(([path]) => path),
  );
  const sum = (wanted: boolean): number =>
    scripts
      .filter(([path]) => eager.has(path) === wanted)
      .reduce((bytes, [, output]) => bytes + output.bytes, 0);
  return { eagerBytes: sum(true), eagerFiles: eager.size, lazyBytes: sum(false) };
}

function staticClosure(metafile: Metafile, entries: readonly string[]): Set<string> {
  const reached = new Set<string>(entries);
  for (const path of reached) {
    for (const { path: imported, kind, external } of metafile.outputs[path]?.imports ?? []) {
      if (!external && kind !== 'dynamic-import') reached.add(imported);
    }
  }
  return reached;
}
