import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { HostedSource } from '../adapters/built-in-adapters.ts';
import { readPythonSource } from '../adapters/registry.ts';
import type { PythonSettings } from '../shared/config.ts';
import { AdapterClassNotFound, PathUnusable } from './errors.ts';

/** The file and the class of an adapter in Python. */
export interface PythonEntry {
  file: string;
  className: string;
}

/** Looked for in a folder, in this order. */
const NAMES = ['model.py', 'adapter.py', 'model_adapter.py'];
/** A folder with one of these is an adapter in JavaScript, whatever Python lies beside it. */
const JAVASCRIPT = /\.[mc]?[jt]s$/;
/** Names of Python files that are never adapters. */
const OTHERS = /^(__init__|__main__|setup|conftest|test_.*|.*_test)\.py$/;
const DEFAULT_CLASS = 'ModelAdapter';

/**
 * The adapter of a Python file, or of a folder: by its usual names, else the one file that has an adapter in it. The class is
 * `ModelAdapter`, else the one class that is an adapter. `undefined` for a path without Python.
 * @throws PathUnusable, AdapterClassNotFound, PythonMissing
 */
export async function findPythonEntry(
  path: string,
  python: PythonSettings,
  className?: string,
): Promise<PythonEntry | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return path.endsWith('.py') ? entryOf(path, python, className) : undefined;
  if (!found?.isDirectory()) return undefined;
  const names = await readdir(path);
  const usual = NAMES.find((each) => names.includes(each));
  if (usual !== undefined) return entryOf(join(path, usual), python, className);
  const files = names.filter((name) => extname(name) === '.py' && !OTHERS.test(name)).sort();
  if (files.length === 0 || names.some((name) => JAVASCRIPT.test(name))) return undefined;
  return entryOf(await chooseFile(path, files, python, className), python, className);
}

async function chooseFile(
  folder: string,
  files: readonly string[],
  python: PythonSettings,
  className: string | undefined,
): Promise<string> {
  const [only] = files;
  if (files.length === 1) return join(folder, only!);
  const adapters: string[] = [];
  for (const name of files) {
    const source = await sourceOf(join(folder, name), python, className ?? DEFAULT_CLASS);
    if (className === undefined ? isAdapter(source) : source.problem === null) adapters.push(name);
  }
  if (adapters.length === 1) return join(folder, adapters[0]!);
  throw new PathUnusable(
    folder,
    adapters.length === 0
      ? `has no adapter in its Python files (${files.join(', ')})`
      : `has ${adapters.length} adapters: ${adapters.join(', ')}`,
    'Name the file of your adapter.',
  );
}

async function entryOf(
  file: string,
  python: PythonSettings,
  className: string | undefined,
): Promise<PythonEntry> {
  if (className !== undefined) return { file, className };
  const { problem, classes } = await sourceOf(file, python, DEFAULT_CLASS);
  if (problem === null) return { file, className: DEFAULT_CLASS };
  const names = classes.map(({ name }) => name);
  if (names.length <= 1) return { file, className: names[0] ?? DEFAULT_CLASS };
  throw new AdapterClassNotFound(
    basename(file),
    `has ${names.length} adapter classes: ${names.join(', ')}. Choose one with --class.`,
    names,
  );
}

function isAdapter({ problem, classes }: HostedSource): boolean {
  return problem === null || classes.length > 0;
}

function sourceOf(file: string, python: PythonSettings, className: string): Promise<HostedSource> {
  return readPythonSource({ directory: dirname(file), entryPoint: basename(file), className, python });
}
