import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JsonObject } from '../../shared/json.ts';

/** An item's bytes up to this size go over the line; larger ones as a file. */
const INLINE_BYTES = 2 ** 20;
/** Bytes over the line for one batch. */
const INLINE_BATCH_BYTES = 64 * 2 ** 20;

/** An item's bytes; what Python's `prepare` makes of it stays in its process. */
export interface PythonSample {
  item: JsonObject;
  bytes: Uint8Array;
}

/** A batch in the form in which a request names it. */
export interface HandedBatch {
  readonly params: JsonObject;
  readonly binary: readonly Uint8Array[];
  /** Removes its files. */
  discard(): Promise<void>;
}

/** Small items as bytes of the frame, large ones as files below `directory`. */
export async function handOver(directory: string, samples: readonly PythonSample[]): Promise<HandedBatch> {
  const items: JsonObject[] = [];
  const binary: Uint8Array[] = [];
  let folder: string | undefined;
  let at = 0;
  for (const [index, { item, bytes }] of samples.entries()) {
    if (bytes.byteLength <= INLINE_BYTES && at + bytes.byteLength <= INLINE_BATCH_BYTES) {
      binary.push(bytes);
      items.push({ item, path: null, from: at, to: at + bytes.byteLength });
      at += bytes.byteLength;
    } else {
      folder ??= await mkdtemp(join(directory, 'predict-'));
      // The name tells the kind of file; the folder keeps equal names apart.
      const path = join(folder, String(index), basename(String(item.filename)));
      await mkdir(join(folder, String(index)));
      await writeFile(path, bytes);
      items.push({ item, path });
    }
  }
  return {
    params: { items },
    binary,
    discard: async () => {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
