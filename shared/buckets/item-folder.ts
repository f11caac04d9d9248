import type { ByteSource } from '../content/byte-source.ts';
import type { ContentInfo } from '../content/content-store.ts';

/** One file item below a folder item. */
export interface FolderFile {
  /** Path below the folder, `/`-separated, no leading slash. */
  path: string;
  content: ContentInfo;
  /** When the file was put there, ISO-8601. */
  createdAt?: string;
}

/**
 * The files below one folder item of a dataset, at any depth. The catalog implements it; paths it gets were checked.
 * The folder `/v1` does not hold the files of its sibling `/v10`.
 */
export interface ItemFolder {
  /** Files whose path starts with `prefix`, in order of path; without `isVisible` hidden ones too. */
  list(prefix: string, options?: { isVisible: boolean }): AsyncIterable<FolderFile>;

  /** `undefined` when there is no such file. */
  stat(path: string): Promise<FolderFile | undefined>;

  /** The bytes of a file as `stat` or `list` told of it, even when the item has other bytes by now. */
  read(file: FolderFile): AsyncIterable<Uint8Array>;

  /**
   * Makes the item, or replaces its bytes, in one step. With `ifAbsent` a path that is taken, also by another
   * process at the same instant, is left alone and `undefined` comes back.
   */
  write(
    path: string,
    source: ByteSource,
    options: { ifAbsent: boolean; signal?: AbortSignal },
  ): Promise<FolderFile | undefined>;

  /** Makes the item of bytes that the content store holds; `undefined` when it does not hold them. */
  link?(path: string, content: ContentInfo): Promise<FolderFile | undefined>;

  /** Deletes the item; nothing happens when there is none. */
  delete(path: string): Promise<void>;
}
