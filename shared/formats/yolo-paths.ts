/** Folders of pictures whose labels lie in a folder `labels` beside them. */
const IMAGES = /^(images|jpegimages|imgs|img)$/i;
const LABELS = /^labels$/i;
const PICTURE =
  /\.(jpe?g|jpe|jfif|png|bmp|dib|tiff?|webp|gif|avif|heic|heif|svg|mpo|dng|pfm|jp2|jxl|mp4|m4v|mov|avi|mkv|webm|mpe?g|wmv)$/i;

/** True for pictures and videos, by the extension. */
export function isPicture(path: string): boolean {
  return PICTURE.test(path);
}

/** True for files in a folder `labels`, at any depth. */
export function isBelowLabels(path: string): boolean {
  return foldersOf(path).some((each) => LABELS.test(each));
}

/** The item path of a picture: its own without the first folder for images. */
export function withoutImages(path: string): string {
  return withoutFolder(path, IMAGES);
}

/** The item path that a label file means, with its own extension: its path without the first folder for labels. */
export function withoutLabels(path: string): string {
  return withoutFolder(path, LABELS);
}

/**
 * Stems of the label files that a picture may have, the likeliest first: in `labels` in place of `images`, in a folder
 * `labels` of any folder above, beside the picture.
 */
export function labelStems(picture: string, stem: string): string[] {
  const parts = stem.split('/');
  const swapped = parts.flatMap((part, at) =>
    at < parts.length - 1 && IMAGES.test(part) ? [parts.with(at, 'labels').join('/')] : [],
  );
  const above = parts.map((_, at) => [...parts.slice(0, at), 'labels', ...parts.slice(at)].join('/'));
  const beside = picture === stem ? [] : [stem];
  return [...swapped.reverse(), ...above.reverse(), ...beside];
}

/** A path as a list or a YAML file has it: backslashes, drives, `./` and `../` become parts from the first name on. */
export function partsOf(text: string): string[] {
  const parts: string[] = [];
  for (const part of text.trim().replaceAll('\\', '/').split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.' && !/^[A-Za-z]:$/.test(part)) parts.push(part);
  }
  return parts;
}

/** The folder of a file, with a slash at its end; empty for the root. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

export function foldersOf(path: string): string[] {
  return path.split('/').slice(0, -1);
}

function withoutFolder(path: string, folder: RegExp): string {
  const parts = path.split('/');
  const at = parts.findIndex((part, index) => index < parts.length - 1 && folder.test(part));
  return at < 0 ? path : parts.toSpliced(at, 1).join('/');
}
