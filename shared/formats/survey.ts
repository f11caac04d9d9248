import type { FormatFiles, MediaFile } from './format.ts';

const PEEK_BYTES = 64 * 1024;

/** Files that tools and operating systems leave in a data set: neither items nor annotations. */
const CLUTTER = [
  /^(readme|license|licence|copying)[^/]*$/i,
  /^(thumbs\.db|desktop\.ini|\.ds_store|notes\.json)$/i,
  /^\._/,
  /^\.(git|gitignore|gitattributes|gitkeep|keep)$/,
  /\.cache$/i,
];

/** True for files that no format reads and that become no items, such as `README.txt`, `.DS_Store` and `labels.cache`. */
export function isClutter(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return path.startsWith('__MACOSX/') || path.startsWith('.git/') || CLUTTER.some((each) => each.test(name));
}

/**
 * Gives each file the path of its item: `strip` of its own path, or its own path where two files would share the stripped one.
 */
export function toMediaFiles(files: readonly string[], strip: (file: string) => string): MediaFile[] {
  const pathOf = new Map(files.map((file) => [file, strip(file)]));
  for (;;) {
    const counts = Map.groupBy(files, (file) => pathOf.get(file)!);
    const clashing = files.filter(
      (file) => counts.get(pathOf.get(file)!)!.length > 1 && pathOf.get(file) !== file,
    );
    if (clashing.length === 0) return files.map((file) => ({ file, path: pathOf.get(file)! }));
    for (const file of clashing) pathOf.set(file, file);
  }
}

/** The files of a format with one folder for media: all that are neither annotations nor clutter. */
export function mediaBelow(
  paths: readonly string[],
  folder: string,
  isAnnotation: (path: string) => boolean,
): MediaFile[] {
  const media = paths.filter((path) => !isAnnotation(path) && !isClutter(path));
  return toMediaFiles(media, (path) => (path.startsWith(folder) ? path.slice(folder.length) : path));
}

/** The first 64 KiB of a file as text; bytes that are not UTF-8 become replacement characters. */
export async function peekText(files: FormatFiles, path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of files.stream(path)) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= PEEK_BYTES) break;
  }
  return new TextDecoder('utf-8').decode(Buffer.concat(chunks).subarray(0, PEEK_BYTES));
}

/** Files that are looked into to detect a format; data sets have the same kind of file many times. */
const PEEKED_FILES = 20;

/** The first of the files whose beginning satisfies `test`. */
export async function findByContent(
  files: FormatFiles,
  paths: readonly string[],
  test: (text: string) => boolean,
): Promise<string | undefined> {
  for (const path of paths.slice(0, PEEKED_FILES)) if (test(await peekText(files, path))) return path;
  return undefined;
}
