import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildFunctions } from '../cli/local/build.ts';
import { markdownTable } from './statistics.ts';
import { ROOT } from './workspace.ts';

const AIM_KB = 300;

/** How much JavaScript does each function carry? */
export async function bundleSize(): Promise<string> {
  const built = await buildFunctions({ root: ROOT, outdir: join(ROOT, 'dist') });
  const rows = await Promise.all(
    built.map(async ({ name, bundle, eagerBytes, lazyBytes }) => [
      name,
      kilobytes(eagerBytes),
      kilobytes(gzipSync(await readFile(bundle)).byteLength),
      kilobytes(lazyBytes),
      kilobytes(eagerBytes + lazyBytes),
    ]),
  );
  return [
    '## Bundle size',
    `Kilobytes (1,000 bytes) of minified JavaScript without source maps. "At start" is what Node reads before the first event; "on demand" are chunks behind an \`import()\`: store, bucket drivers and built-in adapters with the first event, Express with the first HTTP request. Aim: adapter methods under ${AIM_KB} kB.`,
    markdownTable(['function', 'at start', 'entry, gzipped', 'on demand', 'all'], rows),
  ].join('\n\n');
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
