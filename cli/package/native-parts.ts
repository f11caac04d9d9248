import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../shared/errors.ts';
import { readRecord } from '../local/build-record.ts';
import { type Architecture, nodeArch } from './architecture.ts';
import { NativePartsMissing } from './errors.ts';

const run = promisify(execFile);

/**
 * What onnxruntime-node loads at run time, one folder of its package being for one processor; the package has those of
 * all. The JavaScript of both packages is beside it, as the bundles import the package by its name.
 */
function runtimeFilesFor(architecture: Architecture): string[] {
  return [
    'onnxruntime-node/package.json',
    'onnxruntime-node/dist',
    `onnxruntime-node/bin/napi-v6/linux/${nodeArch(architecture)}`,
    'onnxruntime-common/package.json',
    'onnxruntime-common/dist/cjs',
  ];
}

/** What sharp loads at run time: its JavaScript is bundled, libvips and its binding are not. */
function partsFor(architecture: Architecture): string[] {
  const arch = nodeArch(architecture);
  return ['@img/colour', `@img/sharp-linux-${arch}`, `@img/sharp-libvips-linux-${arch}`];
}

/** Packages with native parts, and what a bundle imports when it needs them. */
const NEEDS = { images: '@img/', onnx: 'onnxruntime-node' } as const;
type Need = keyof typeof NEEDS;

/** Which native parts a built function imports at any time. */
async function needsOf(outdir: string, functionName: string): Promise<Set<Need>> {
  const outputs = Object.values((await readRecord(outdir, functionName))?.metafile.outputs ?? {});
  const paths = outputs.flatMap(({ imports }) => imports.map(({ path }) => path));
  const needs = (Object.keys(NEEDS) as Need[]).filter((need) =>
    paths.some((path) => path.startsWith(NEEDS[need])),
  );
  return new Set(needs);
}

/**
 * Lays the native parts that a function imports beside its bundle, for an architecture, in `<outdir>/<name>/node_modules`. Those of
 * another architecture than this machine's are brought from the registry once, at the versions and with the digests of
 * package-lock.json, and kept in `node_modules/.cache`.
 * @throws NativePartsMissing
 */
export async function addNativeParts(
  { root, outdir, architecture }: { root: string; outdir: string; architecture: Architecture },
  functionNames: readonly string[],
): Promise<void> {
  const parts = partsFor(architecture);
  const from = await folderOf(root, architecture, parts);
  for (const name of functionNames) {
    const target = join(outdir, name, 'node_modules');
    await rm(target, { recursive: true, force: true });
    const needs = await needsOf(outdir, name);
    if (needs.has('images')) await copyAll(parts, from, target);
    if (needs.has('onnx')) await copyAll(runtimeFilesFor(architecture), join(root, 'node_modules'), target);
  }
}

async function copyAll(paths: readonly string[], from: string, to: string): Promise<void> {
  for (const path of paths) await cp(join(from, path), join(to, path), { recursive: true });
}

interface Locked {
  version: string;
  integrity: string;
}

async function folderOf(root: string, architecture: Architecture, parts: readonly string[]): Promise<string> {
  const locked = await readLock(join(root, 'package-lock.json'));
  const wanted = parts.map((part) => [part, locked.get(part)!] as const);
  const own = join(root, 'node_modules');
  if (await holds(own, wanted)) return own;
  const cache = join(own, '.cache', 'modelfn', `native-${architecture}`);
  const found = join(cache, 'node_modules');
  if (!(await holds(found, wanted))) await install(cache, architecture, wanted);
  return found;
}

async function install(
  cache: string,
  architecture: Architecture,
  wanted: readonly (readonly [string, Locked])[],
): Promise<void> {
  const fresh = `${cache}-${process.pid}`;
  const names = wanted.map(([part, { version }]) => `${part}@${version}`);
  try {
    await mkdir(fresh, { recursive: true });
    await run(
      'npm',
      [
        'install',
        '--no-save',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--force',
        '--prefix',
        fresh,
      ].concat('--os=linux', `--cpu=${nodeArch(architecture)}`, '--libc=glibc', names),
      { cwd: fresh, timeout: 300_000 },
    );
    const brought = await readLock(join(fresh, 'node_modules', '.package-lock.json'));
    for (const [part, { integrity }] of wanted)
      if (brought.get(part)?.integrity !== integrity)
        throw new Error(`${part} is not the one that package-lock.json names.`);
    await rm(cache, { recursive: true, force: true });
    await mkdir(dirname(cache), { recursive: true });
    await rename(fresh, cache);
  } catch (error) {
    throw new NativePartsMissing(names, messageOf(error), error);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function readLock(path: string): Promise<Map<string, Locked>> {
  const { packages } = JSON.parse(await readFile(path, 'utf8')) as { packages: Record<string, Locked> };
  return new Map(Object.entries(packages).map(([at, each]) => [at.replace(/^node_modules\//, ''), each]));
}

async function holds(folder: string, wanted: readonly (readonly [string, Locked])[]): Promise<boolean> {
  const versions = await Promise.all(
    wanted.map(async ([part]) => {
      const text = await readFile(join(folder, part, 'package.json'), 'utf8').catch(() => '{}');
      return (JSON.parse(text) as Partial<Locked>).version;
    }),
  );
  return wanted.every(([, { version }], index) => versions[index] === version);
}
