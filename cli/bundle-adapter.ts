import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Message, type Plugin } from 'esbuild';
import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { packFolder } from '../shared/codebases/archive.ts';
import { messageOf, systemCode } from '../shared/errors.ts';
import { chooseAdapterClass } from './choose-adapter-class.ts';
import { AdapterNotBundled, PathUnusable } from './errors.ts';

/** The one file a bundled adapter is. */
export const BUNDLE_NAME = 'adapter.mjs';

/** A user's adapter in one file, with all it imports. */
export interface BundledAdapter {
  /** Name of the export. */
  className: string;
  adapterClass: ModelAdapterClass;
  /** A zip with the bundle: equal sources give equal bytes. */
  archive: Uint8Array;
  sizeBytes: number;
}

/** Looked for in a folder, in this order. */
const ENTRY_NAMES = ['adapter', 'model-adapter', 'index', 'main'].flatMap((name) =>
  ['ts', 'mts', 'js', 'mjs'].map((extension) => `${name}.${extension}`),
);
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

/**
 * Bundles the adapter of a file or folder, imports it and finds its class: the export with an adapter's methods, or
 * `className`. Its code is run by that.
 * @throws PathUnusable, AdapterNotBundled, AdapterClassNotFound
 */
export async function bundleAdapter(path: string, className?: string): Promise<BundledAdapter> {
  const entry = await entryOf(path);
  const source = await bundle(entry);
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-adapter-'));
  try {
    const file = join(directory, BUNDLE_NAME);
    await writeFile(file, source);
    const exported = await importBundle(entry, file);
    const chosen = chooseAdapterClass(basename(entry), exported, className);
    return { ...chosen, archive: await packFolder(directory), sizeBytes: source.byteLength };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function entryOf(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    const problem =
      systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be opened (${messageOf(error)})`;
    throw new PathUnusable(path, problem, 'Give the file of your adapter class, or its folder.', error);
  });
  if (!found.isDirectory()) return path;
  const names = await readdir(path);
  const entry = ENTRY_NAMES.find((name) => names.includes(name));
  if (entry !== undefined) return join(path, entry);
  throw new PathUnusable(
    path,
    `has none of ${ENTRY_NAMES.filter((name) => name.endsWith('.ts')).join(', ')}`,
    'Name the file that exports your adapter class.',
  );
}

async function bundle(entry: string): Promise<Uint8Array> {
  try {
    const { outputFiles } = await build({
      ...OPTIONS,
      absWorkingDir: dirname(entry),
      entryPoints: [entry],
      outfile: BUNDLE_NAME,
      plugins: [await sdkPlugin()],
    });
    return outputFiles[0]!.contents;
  } catch (error) {
    const messages = (error as { errors?: readonly Message[] }).errors;
    throw new AdapterNotBundled(basename(entry), messages?.map(describe) ?? [messageOf(error)], error);
  }
}

/**
 * Puts `adapters/sdk.ts` in place of `modelfn`, as one module without a path: the bundle is the same wherever modelfn
 * and the adapter are installed.
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

async function importBundle(entry: string, file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new AdapterNotBundled(
      basename(entry),
      [`it fails while it is imported: ${messageOf(error)}`],
      error,
    );
  }
}
