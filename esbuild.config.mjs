import { join } from 'node:path';
import { buildFunctions } from './cli/local/build.ts';

const root = import.meta.dirname;
const started = performance.now();
const built = await buildFunctions({ root, outdir: join(root, 'dist'), clean: true });

for (const { name, eagerBytes, lazyBytes } of built)
  console.log(`${name.padEnd(10)} ${kilobytes(eagerBytes)} at cold start, ${kilobytes(lazyBytes)} on demand`);
console.log(`${built.length} functions in dist/, ${Math.round(performance.now() - started)} ms`);

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
}
