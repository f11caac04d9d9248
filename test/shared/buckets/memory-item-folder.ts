import type { FolderFile, ItemFolder } from '../../../shared/buckets/item-folder.ts';
import type { ByteSource } from '../../../shared/content/byte-source.ts';
import type { ContentStore } from '../../../shared/content/content-store.ts';

/** A folder item over a map of paths and a real content store. Two folders over one map are two processes' views. */
export class MemoryItemFolder implements ItemFolder {
  readonly #files: Map<string, FolderFile>;
  readonly #content: ContentStore;

  constructor(files: Map<string, FolderFile>, content: ContentStore) {
    this.#files = files;
    this.#content = content;
  }

  async *list(prefix: string): AsyncGenerator<FolderFile> {
    const paths = [...this.#files.keys()].filter((path) => path.startsWith(prefix)).sort();
    for (const path of paths) yield this.#files.get(path)!;
  }

  async stat(path: string): Promise<FolderFile | undefined> {
    return this.#files.get(path);
  }

  read(file: FolderFile): AsyncIterable<Uint8Array> {
    return this.#content.stream(file.content);
  }

  async write(
    path: string,
    source: ByteSource,
    { ifAbsent }: { ifAbsent: boolean },
  ): Promise<FolderFile | undefined> {
    const file = { path, content: await this.#content.put(source, 1 << 24) };
    if (ifAbsent && this.#files.has(path)) return undefined;
    this.#files.set(path, file);
    return file;
  }

  async delete(path: string): Promise<void> {
    this.#files.delete(path);
  }
}
