import type { LayoutWriter } from '../../../adapters/model-adapter.ts';
import type { FormatFiles, FormatItem, FormatSource } from '../../../shared/formats/format.ts';

export type MemoryFiles = LayoutWriter & FormatFiles & { readonly texts: Map<string, string> };

/** A folder in memory, handed out in pieces of `pieceBytes`. */
export function memoryFiles(
  given: Readonly<Record<string, string | Uint8Array>> = {},
  pieceBytes = 1 << 16,
): MemoryFiles {
  // Files that are given as bytes are only read.
  const texts = new Map(Object.entries(given) as [string, string][]);
  return {
    texts,
    async write(path, content) {
      const pieces: Buffer[] = [];
      const source = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
      for await (const piece of source) pieces.push(Buffer.from(piece as Uint8Array));
      texts.set(path, Buffer.concat(pieces).toString());
    },
    list: async () => [...texts.keys()].sort(),
    async *stream(path) {
      const bytes = Buffer.from(texts.get(path)!);
      for (let start = 0; start < bytes.length; start += pieceBytes)
        yield bytes.subarray(start, start + pieceBytes);
    },
  };
}

/** Items of partitions, in their order. */
export function sourceOf(
  partitions: Readonly<Record<string, readonly FormatItem[]>>,
  labels: readonly string[] = [],
): FormatSource {
  return {
    labels,
    partitions: Object.keys(partitions),
    async *items(partition) {
      yield* partitions[partition]!;
    },
  };
}
