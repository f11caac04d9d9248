import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import type { HostedSource } from '../adapters/built-in-adapters.ts';
import { readPythonSource } from '../adapters/registry.ts';
import { codeFiles } from '../shared/codebases/code-folder.ts';
import type { PythonSettings } from '../shared/config.ts';
import { AdapterClassNotFound, PathUnusable } from './errors.ts';

/** The file and the class of an adapter in Python. */
export interface PythonEntry {
  /** Folder of the codebase: what lies in it can be imported. */
  directory: string;
  /** Path within the folder, with slashes. */
  file: string;
  className: string;
}

/** Where to look, and what for. */
export interface PythonSearch {
  python: PythonSettings;
  className?: string | undefined;
  /** Path of the adapter's file within the folder, with slashes. */
  entryPoint?: string | undefined;
}

/** Looked for in a folder, in this order. */
const NAMES = ['model.py', 'adapter.py', 'model_adapter.py'];
/** A folder with one of these is an adapter in JavaScript, whatever Python lies beside it. */
const JAVASCRIPT = /\.[mc]?[jt]s$/;
/** Names of Python files that are never adapters. */
const OTHERS = /^(__init__|__main__|setup|conftest|test_.*|.*_test)\.py$/;
const DEFAULT_CLASS = 'ModelAdapter';
const NAME_IT = 'Name the file of your adapter with --entry-point.';

/** Base class of adapters of the Dataloop SDK. */
const SDK_BASE = 'BaseModelAdapter';

/**
 * The adapter of a Python file, or of a folder: the given entry point, else the file with a usual name, else the one file with a
 * class of the Dataloop SDK, in sub-folders too, else the one file that has an adapter in it. The class is `ModelAdapter`, else
 * the one class that is an adapter. `undefined` for a path without Python.
 * @throws PathUnusable, AdapterClassNotFound, PythonMissing
 */
export async function findPythonEntry(path: string, search: PythonSearch): Promise<PythonEntry | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (search.entryPoint !== undefined) return readNamedEntry(path, search.entryPoint, search);
  if (found?.isFile())
    return path.endsWith('.py') ? readEntry(dirname(path), basename(path), search) : undefined;
  if (!found?.isDirectory()) return undefined;
  const names = await readdir(path);
  const usual = NAMES.find((each) => names.includes(each));
  if (usual !== undefined) return readEntry(path, usual, search);
  if (names.some((name) => JAVASCRIPT.test(name))) return undefined;
  const ofSdk = await findSdkFiles(path, search);
  if (ofSdk.length > 0) return readEntry(path, chooseOne(path, ofSdk), search);
  const files = names.filter((name) => extname(name) === '.py' && !OTHERS.test(name)).sort();
  if (files.length === 0) return undefined;
  return readEntry(path, await chooseFile(path, files, search), search);
}

/** `undefined` for a file in another language. @throws PathUnusable when it is not in the folder */
async function readNamedEntry(
  directory: string,
  file: string,
  search: PythonSearch,
): Promise<PythonEntry | undefined> {
  for await (const { path } of codeFiles(directory))
    if (path === file) return file.endsWith('.py') ? readEntry(directory, file, search) : undefined;
  throw new PathUnusable(
    directory,
    `has no file ${file}`,
    'Name the file of the adapter by its path within the folder.',
  );
}

/**
 * Files with an adapter class of the Dataloop SDK. Repositories of models keep the adapter beside scripts that have functions
 * such as `train` too, or in a sub-folder. Files further down count only when there is none above.
 */
async function findSdkFiles(directory: string, search: PythonSearch): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, absolutePath } of codeFiles(directory)) {
    if (extname(path) !== '.py' || OTHERS.test(basename(path))) continue;
    if (!(await readFile(absolutePath)).includes(SDK_BASE)) continue;
    const { classes } = await readSourceOf(directory, path, search);
    if (classes.some(({ name, isSdk }) => isSdk && name === (search.className ?? name))) found.push(path);
  }
  const least = Math.min(...found.map(depthOf));
  return found.filter((path) => depthOf(path) === least).sort();
}

function depthOf(path: string): number {
  return path.split('/').length;
}

async function chooseFile(folder: string, files: readonly string[], search: PythonSearch): Promise<string> {
  const [only] = files;
  if (files.length === 1) return only!;
  const adapters: string[] = [];
  for (const name of files) {
    const source = await readSourceOf(folder, name, search);
    if (search.className === undefined ? isAdapter(source) : source.problem === null) adapters.push(name);
  }
  if (adapters.length > 0) return chooseOne(folder, adapters);
  throw new PathUnusable(folder, `has no adapter in its Python files (${files.join(', ')})`, NAME_IT);
}

/** @throws PathUnusable when there are several */
function chooseOne(folder: string, adapters: readonly string[]): string {
  if (adapters.length === 1) return adapters[0]!;
  throw new PathUnusable(folder, `has ${adapters.length} adapters: ${adapters.join(', ')}`, NAME_IT);
}

async function readEntry(directory: string, file: string, search: PythonSearch): Promise<PythonEntry> {
  const entry = { directory, file };
  if (search.className !== undefined) return { ...entry, className: search.className };
  const { problem, classes } = await readSourceOf(directory, file, search);
  if (problem === null) return { ...entry, className: DEFAULT_CLASS };
  const names = classes.map(({ name }) => name);
  if (names.length <= 1) return { ...entry, className: names[0] ?? DEFAULT_CLASS };
  throw new AdapterClassNotFound(
    basename(file),
    `has ${names.length} adapter classes: ${names.join(', ')}. Choose one with --class.`,
    names,
  );
}

function isAdapter({ problem, classes }: HostedSource): boolean {
  return problem === null || classes.length > 0;
}

function readSourceOf(
  directory: string,
  entryPoint: string,
  { python, className = DEFAULT_CLASS }: PythonSearch,
): Promise<HostedSource> {
  return readPythonSource({ directory, entryPoint, className, python });
}
