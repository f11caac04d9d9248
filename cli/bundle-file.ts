import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Message, type Plugin } from 'esbuild';
import { messageOf } from '../shared/errors.ts';

const SDK = join(import.meta.dirname, '..', 'adapters', 'sdk.ts');

const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  legalComments: 'inline',
  logLevel: 'silent',
  write: false,
} as const satisfies BuildOptions;

/** Makes the error of source that cannot be bundled. `problems` read `file:line:column: what`. */
export type Refuse = (file: string, problems: readonly string[], cause: unknown) => Error;

/** A user's file in one, with all it imports and what it takes from `modelfn`. @throws what `refuse` makes */
export async function bundleFile(entry: string, outfile: string, refuse: Refuse): Promise<Uint8Array> {
  try {
    const { outputFiles } = await build({
      ...OPTIONS,
      absWorkingDir: dirname(entry),
      entryPoints: [entry],
      outfile,
      plugins: [await sdkPlugin()],
    });
    return outputFiles[0]!.contents;
  } catch (error) {
    const messages = (error as { errors?: readonly Message[] }).errors;
    throw refuse(basename(entry), messages?.map(describe) ?? [messageOf(error)], error);
  }
}

/** Imports a bundle, which runs its code. `entry` is the file it was made of. @throws what `refuse` makes */
export async function importBundle(
  entry: string,
  file: string,
  refuse: Refuse,
): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw refuse(basename(entry), [`it fails while it is imported: ${messageOf(error)}`], error);
  }
}

/**
 * Puts `adapters/sdk.ts` in place of `modelfn`, as one module without a path: the bundle is the same wherever modelfn
 * and the code are installed.
 */
async function sdkPlugin(): Promise<Plugin> {
  const { outputFiles } = await build({ ...OPTIONS, entryPoints: [SDK], minifyWhitespace: true });
  const contents = outputFiles[0]!.text;
  return {
    name: 'modelfn-sdk',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^modelfn$/ }, () => ({ path: 'sdk', namespace: 'modelfn' }));
      onLoad({ filter: /.*/, namespace: 'modelfn' }, () => ({ contents, loader: 'js' }));
    },
  };
}

function describe({ location, text }: Message): string {
  const where = location ? `${location.file}:${location.line}:${location.column + 1}: ` : '';
  return `${where}${text}${adviceOn(text)}`;
}

function adviceOn(text: string): string {
  const missing = /^Could not resolve "([^"]+)"/.exec(text)?.[1];
  if (missing?.startsWith('modelfn/')) return '. Everything of modelfn is imported from "modelfn".';
  if (missing?.startsWith('.')) return '. The file is not there; imports of TypeScript files end in .ts.';
  if (missing !== undefined) return `. Install it beside the adapter: npm install ${missing}`;
  if (text.includes('No loader is configured for ".node"'))
    return '. Native packages cannot be part of an adapter; use one in JavaScript or WebAssembly.';
  return '';
}
