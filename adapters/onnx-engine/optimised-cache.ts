import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { arch, cpus, platform } from 'node:os';
import { join } from 'node:path';

/** Of a larger model hashing two files takes what is saved. */
export const MOST_CACHED_BYTES = 16 * 2 ** 20;
/** Entries kept; the oldest go first. */
const MOST_ENTRIES = 32;
/** An entry that was begun and never ended is a leftover after this long. */
const LEFTOVER_MS = 60 * 60 * 1000;

/** Where the optimised graph of one model is, or is to be. */
export interface OptimisedEntry {
  /** The file, found to be what was written; `undefined` when there is none. */
  readonly path: string | undefined;
  /** Where the runtime is to write one. */
  readonly fresh: string;
  /** Removes what is at `path`: the runtime does not take it. */
  discard(): Promise<void>;
  /** Takes in what was written to `fresh`. What goes wrong leaves no entry. */
  commit(): Promise<void>;
}

/**
 * Graphs as the runtime has optimised them, kept as `<key>.<sha256 of the file>.onnx`. The key holds the model's bytes, the runtime's
 * version and the processor, for whose instructions the graph is laid out. A file that is not what its name says is removed and
 * made again. Several processes may share the folder. `undefined` for models that are not cached, and where the folder is no use.
 */
export async function findOptimised(
  folder: string,
  modelPath: string,
  runtimeVersion: string,
): Promise<OptimisedEntry | undefined> {
  try {
    if ((await stat(modelPath)).size > MOST_CACHED_BYTES) return undefined;
    const processor = await processorOf();
    const key = sha256(JSON.stringify([sha256(await readFile(modelPath)), runtimeVersion, processor]));
    await mkdir(folder, { recursive: true });
    const fresh = join(folder, `${key}.${randomUUID()}.part`);
    const path = await soundFile(folder, key);
    return {
      path,
      fresh,
      async discard() {
        if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
      },
      async commit() {
        try {
          await rename(fresh, join(folder, `${key}.${sha256(await readFile(fresh))}.onnx`));
          await removeOldest(folder);
        } catch {
          await rm(fresh, { force: true }).catch(() => undefined);
        }
      },
    };
  } catch {
    return undefined;
  }
}

async function soundFile(folder: string, key: string): Promise<string | undefined> {
  for (const name of await readdir(folder)) {
    const [, digest] = /^[0-9a-f]{64}\.([0-9a-f]{64})\.onnx$/.exec(name) ?? [];
    if (digest === undefined || !name.startsWith(`${key}.`)) continue;
    const path = join(folder, name);
    if (sha256(await readFile(path)) === digest) return path;
    await rm(path, { force: true });
  }
  return undefined;
}

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  const entries = files.filter(({ name }) => name.endsWith('.onnx')).sort((a, b) => b.at - a.at);
  const leftovers = files.filter(({ name, at }) => name.endsWith('.part') && Date.now() - at > LEFTOVER_MS);
  for (const { name } of [...entries.slice(MOST_ENTRIES), ...leftovers])
    await rm(join(folder, name), { force: true });
}

/** Model and instructions, which differ between machines of one model too. */
async function processorOf(): Promise<string> {
  const told = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(told)?.[1] ?? '';
  return [platform(), arch(), cpus()[0]?.model ?? '', flags].join('\n');
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
