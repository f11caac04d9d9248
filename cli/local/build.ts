import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type BuildOptions, type BuildResult, build, type Message, version } from 'esbuild';
import { messageOf } from '../../shared/errors.ts';
import { derivedId } from '../../shared/ids.ts';
import { type Log, silentLog } from '../../shared/log.ts';
import { type BuildRecord, isRecordCurrent, readRecord, recordPath, stampInputs } from './build-record.ts';
import { builtInDigest } from './built-in-digest.ts';
import { BuildFailed, FunctionNotFound } from './errors.ts';
import { type BundleSize, measureBundles } from './measure-bundles.ts';
import { type ModuleGraph, moduleGraph, oneEagerChunk } from './one-eager-chunk.ts';
import { pythonAsText } from './python-as-text.ts';

/** A function whose bundle is ready to be imported. */
export interface BuiltFunction extends BundleSize {
  name: string;
  /** Absolute path of its `index.mjs`. */
  bundle: string;
  /** False when the bundle that was there is still current. */
  rebuilt: boolean;
}

export interface BuildFunctionsOptions {
  /** Folder with `functions/<name>/handler.ts`. */
  root: string;
  /** Where the bundles go, e.g. `<root>/dist`. */
  outdir: string;
  /** Which to build. Default: all there are. */
  names?: readonly string[];
  /**
   * Builds all anew and removes every file of earlier builds, as a deployment wants it. Otherwise what is current stays,
   * and older chunks live for a day: a server that still runs may import them.
   */
  clean?: boolean;
  log?: Log;
}

/** Old chunks are kept this long for servers that were started before the build. */
const KEEP_CHUNKS_MS = 24 * 3600 * 1000;

/** Native packages, and esbuild, are installed beside the bundle. Of sharp that is libvips alone: its JavaScript is bundled. */
const EXTERNAL = ['@img/*', 'esbuild', 'onnxruntime-node'];

const REPLACEMENTS = join(import.meta.dirname, 'replacements');

const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  // What stands behind `await import()` becomes a chunk of its own, read when it is needed.
  splitting: true,
  sourcemap: 'linked',
  legalComments: 'linked',
  entryNames: 'index',
  chunkNames: '[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  external: EXTERNAL,
  alias: {
    'iconv-lite': join(REPLACEMENTS, 'iconv-lite.ts'),
    'mime-db': join(REPLACEMENTS, 'mime-db.json'),
  },
  loader: { '.py': 'text' },
  // CommonJS dependencies call require for Node's own modules.
  banner: {
    js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);",
  },
  metafile: true,
  write: false,
  logLevel: 'silent',
} as const satisfies BuildOptions;

/** Changes whenever the same source would be bundled differently. */
const BUILDER = `esbuild ${version} ${derivedId(JSON.stringify(OPTIONS))}`;

/** Names of all functions under `root`, sorted. */
export async function functionNames(root: string): Promise<string[]> {
  const folders = await readdir(join(root, 'functions'), { withFileTypes: true }).catch(() => []);
  const named = await Promise.all(
    folders
      .filter((folder) => folder.isDirectory())
      .map(async ({ name }) => ((await exists(handlerPath(root, name))) ? name : undefined)),
  );
  return named.filter((name) => name !== undefined).sort();
}

/**
 * Bundles each `functions/<name>/handler.ts` on its own into `<outdir>/<name>/index.mjs` beside its lazy chunks.
 * Bundles that are current are left alone. May run in several processes at once: every file appears whole, the entry last.
 * @throws FunctionNotFound, BuildFailed
 */
export async function buildFunctions(options: BuildFunctionsOptions): Promise<BuiltFunction[]> {
  const known = await functionNames(options.root);
  const wanted = options.names ?? known;
  for (const name of wanted) if (!known.includes(name)) throw new FunctionNotFound(name, known);
  const graphOf = graphs(options, wanted);
  return Promise.all(wanted.map((name) => buildFunction(options, name, graphOf)));
}

/** True when the function's bundle is there and none of its inputs changed since it was built. */
export async function isBuildFresh(
  { root, outdir }: Pick<BuildFunctionsOptions, 'root' | 'outdir'>,
  name: string,
): Promise<boolean> {
  const record = await readRecord(outdir, name);
  return record !== undefined && (await isRecordCurrent(record, root, BUILDER));
}

/** The graph of a function's modules. */
type GraphOf = (name: string) => Promise<ModuleGraph>;

/** One graph for all functions, made when the first is asked for; where one of them has a fault, a graph of its own for each. */
function graphs({ root, outdir }: BuildFunctionsOptions, names: readonly string[]): GraphOf {
  const absolute = resolve(root);
  const make = (these: readonly string[]) =>
    moduleGraph(
      { ...optionsIn(absolute), outdir: resolve(outdir) },
      these.map((name) => handlerPath(absolute, name)),
    );
  let all: Promise<ModuleGraph | undefined> | undefined;
  return async (name) => {
    all ??= make(names).catch(() => undefined);
    return (await all) ?? make([name]);
  };
}

function optionsIn(root: string) {
  return { ...OPTIONS, absWorkingDir: root, plugins: [pythonAsText] };
}

async function buildFunction(
  options: BuildFunctionsOptions,
  name: string,
  graphOf: GraphOf,
): Promise<BuiltFunction> {
  const { root, outdir, clean = false, log = silentLog } = options;
  const bundle = join(resolve(outdir), name, 'index.mjs');
  const record = clean ? undefined : await readRecord(outdir, name);
  if (record && (await isRecordCurrent(record, root, BUILDER)))
    return { name, bundle, rebuilt: false, ...measureBundles(record.metafile) };
  const begun = Date.now();
  try {
    const result = await bundleHandler(options, name, await graphOf(name));
    await writeOutputs(outdir, name, result);
    await writeRecord(options, name, result, begun);
    await removeOldOutputs(dirname(bundle), result, clean ? 0 : KEEP_CHUNKS_MS);
    const size = measureBundles(result.metafile);
    log.debug('function built', { function: name, ...size, durationMs: Date.now() - begun });
    return { name, bundle, rebuilt: true, ...size };
  } catch (error) {
    const problems = (error as { errors?: readonly Message[] }).errors?.map(describe) ?? [messageOf(error)];
    throw new BuildFailed(name, problems, error);
  }
}

type Bundled = BuildResult<typeof OPTIONS>;

async function bundleHandler(
  options: BuildFunctionsOptions,
  name: string,
  graph: ModuleGraph,
): Promise<Bundled> {
  const root = resolve(options.root);
  const entry = handlerPath(root, name);
  const all = optionsIn(root);
  const plugins = [...all.plugins, oneEagerChunk(graph, root, entry)];
  const outdir = join(resolve(options.outdir), name);
  const define = { MODELFN_BUILT_IN_DIGEST: JSON.stringify(await builtInDigest(graph, root)) };
  return build({ ...all, outdir, entryPoints: [entry], plugins, define });
}

function describe({ location, text }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column}: ${text}` : text;
}

/** Chunks first, the entry last: whoever imports the entry finds what it names. */
async function writeOutputs(outdir: string, name: string, { outputFiles }: Bundled): Promise<void> {
  const isEntry = (path: string) => basename(path) === 'index.mjs';
  const ordered = [...outputFiles].sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
  await mkdir(join(outdir, name), { recursive: true });
  for (const { path, contents } of ordered) await writeWhole(outdir, path, contents);
}

async function writeRecord(
  { root, outdir }: BuildFunctionsOptions,
  name: string,
  { metafile }: Bundled,
  begun: number,
): Promise<void> {
  const inputs = await stampInputs(root, Object.keys(metafile.inputs), begun);
  const record: BuildRecord = { builder: BUILDER, inputs, metafile };
  await writeWhole(outdir, recordPath(outdir, name), JSON.stringify(record));
}

async function writeWhole(outdir: string, path: string, contents: string | Uint8Array): Promise<void> {
  const temporary = join(outdir, `.${basename(path)}-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(temporary, contents);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function removeOldOutputs(folder: string, { outputFiles }: Bundled, keepMs: number): Promise<void> {
  const current = new Set(outputFiles.map(({ path }) => relative(folder, path)));
  for (const name of await readdir(folder)) {
    if (current.has(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs >= keepMs) await rm(path, { force: true, recursive: true });
  }
}

function handlerPath(root: string, name: string): string {
  return join(root, 'functions', name, 'handler.ts');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
