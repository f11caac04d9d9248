import type { ObjectInfo } from '../buckets/bucket.ts';
import { sha256Of } from '../content/file-digest.ts';
import { canonicalJson, type Json } from '../json.ts';
import { isSettled } from './files/bare-files.ts';
import { inOrderOfPath, type WeightFile } from './files/manifest.ts';

/** Digest over path, size and sha256 of files: the identity of weights, wherever they lie. */
export function digestFiles(files: readonly WeightFile[]): string {
  const rows = inOrderOfPath(files).map(({ path, sizeBytes, sha256 }) => [path, sizeBytes, sha256]);
  return sha256Of(canonicalJson(rows));
}

/** `digestFiles` of an empty bucket. */
export const NO_FILES = digestFiles([]);

/** Digest over listed objects; `undefined` while one of them may still change without a change of this digest. */
export function digestListing(objects: readonly ObjectInfo[]): string | undefined {
  if (!objects.every(isSettled)) return undefined;
  return sha256Of(canonicalJson(stateOf(objects)));
}

/** True when two listings name the same objects in the same state. */
export function isSameListing(a: readonly ObjectInfo[], b: readonly ObjectInfo[]): boolean {
  return canonicalJson(stateOf(a)) === canonicalJson(stateOf(b));
}

/** Keys, sizes and marks of change of listed objects. */
export function stateOf(objects: readonly ObjectInfo[]): Json {
  return objects.map(({ key, sizeBytes, etag, changedAtMs = null }) => [key, sizeBytes, etag, changedAtMs]);
}
