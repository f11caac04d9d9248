import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { packFolder } from '../shared/codebases/archive.ts';
import { messageOf, systemCode } from '../shared/errors.ts';
import { bundleFile, importBundle } from './bundle-file.ts';
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
/**
 * Bundles the adapter of a file or folder, imports it and finds its class: the export with an adapter's methods, or
 * `className`. Its code is run by that.
 * @throws PathUnusable, AdapterNotBundled, AdapterClassNotFound
 */
export async function bundleAdapter(path: string, className?: string): Promise<BundledAdapter> {
  const entry = await entryOf(path);
  const source = await bundleFile(entry, BUNDLE_NAME, refuse);
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-adapter-'));
  try {
    const file = join(directory, BUNDLE_NAME);
    await writeFile(file, source);
    const exported = await importBundle(entry, file, refuse);
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

function refuse(file: string, problems: readonly string[], cause: unknown): AdapterNotBundled {
  return new AdapterNotBundled(file, problems, cause);
}
