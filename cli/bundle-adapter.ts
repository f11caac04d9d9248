import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Message, type Plugin } from 'esbuild';
import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { packFolder } from '../shared/codebases/archive.ts';
import { messageOf, systemCode } from '../shared/errors.ts';
import { nearest } from '../shared/nearest.ts';
import { AdapterClassNotFound, AdapterNotBundled, PathUnusable } from './errors.ts';

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

const METHODS = ['prepare', 'train', 'predict', 'save', 'load'] as const;
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
    const chosen = chooseClass(basename(entry), exported, className);
    return { ...chosen, archive: await packFolder(directory), sizeBytes: source.byteLength };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function entryOf(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    const problem = systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be opened (${messageOf(error)})`;
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
    throw new AdapterNotBundled(basename(entry), [`it fails while it is imported: ${messageOf(error)}`], error);
  }
}

function chooseClass(
  file: string,
  exported: Record<string, unknown>,
  wanted: string | undefined,
): { className: string; adapterClass: ModelAdapterClass } {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
  const complete = functions.filter((name) => missingMethods(exported[name]).length === 0);
  if (wanted !== undefined) return named(file, exported, functions, wanted);
  // One class under two names: its own name says more than `default`.
  const names = complete.filter(
    (name) => name !== 'default' || !complete.some((other) => other !== name && exported[other] === exported[name]),
  );
  if (names.length === 1) return { className: names[0]!, adapterClass: exported[names[0]!] as ModelAdapterClass };
  if (names.length > 1)
    throw new AdapterClassNotFound(
      file,
      `exports ${names.length} adapter classes: ${names.join(', ')}. Choose one with --class.`,
      names,
    );
  const lacking = functions.map((name) => `${name} lacks ${missingMethods(exported[name]).join(', ')}`);
  throw new AdapterClassNotFound(
    file,
    `exports no adapter class${lacking.length > 0 ? ` (${lacking.join('; ')})` : ''}. Write: export class MyAdapter extends ModelAdapter { ... } with ${METHODS.join(', ')}.`,
    functions,
  );
}

function named(
  file: string,
  exported: Record<string, unknown>,
  functions: readonly string[],
  wanted: string,
): { className: string; adapterClass: ModelAdapterClass } {
  if (!functions.includes(wanted))
    throw new AdapterClassNotFound(
      file,
      `exports no class ${wanted}. It has: ${functions.join(', ') || 'none'}; the nearest is ${nearest(wanted, functions) ?? 'none'}.`,
      functions,
    );
  const missing = missingMethods(exported[wanted]);
  if (missing.length > 0)
    throw new AdapterClassNotFound(file, `: the class ${wanted} lacks ${missing.join(', ')}.`, functions);
  return { className: wanted, adapterClass: exported[wanted] as ModelAdapterClass };
}

function missingMethods(value: unknown): string[] {
  const prototype = (value as { prototype?: Record<string, unknown> }).prototype;
  return METHODS.filter((method) => typeof prototype?.[method] !== 'function');
}
