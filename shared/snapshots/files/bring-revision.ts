import type { Bucket } from '../../buckets/bucket.ts';
import { Breather } from '../../content/breather.ts';
import { type ByteSource, chunksOf } from '../../content/byte-source.ts';
import { sha256Of } from '../../content/file-digest.ts';
import type { Lender } from '../../entities/snapshot.ts';
import type { SharedObjects } from '../shared-files.ts';
import type { Brought, NeededObject, Sending } from './commit-files.ts';
import { findObjects } from './find-objects.ts';
import { findSound } from './find-sound.ts';
import { encodeManifest, inOrderOfPath, type Manifest, objectKey, type WeightFile } from './manifest.ts';
import { packFiles } from './pack-files.ts';
import {
  firstOfEach,
  isPacked,
  listPlaces,
  ownPlace,
  type Place,
  type PlacedFile,
  placesAmong,
} from './places.ts';

/** What a revision is to be: its manifest but for where the files lie. */
export interface RevisionFiles {
  manifest: Omit<Manifest, 'formatVersion' | 'files' | 'packs'>;
  files: readonly WeightFile[];
  /** The bytes of a file, which fail when they are not those of its digest; called again when a write is repeated. */
  open: (file: WeightFile) => ByteSource;
  /** Files of earlier revisions that may lie in packs of this bucket; asked for when something is not an object of its own. */
  earlier: () => Promise<readonly PlacedFile[]>;
  /** Where a file lies already, so that it need not be in this bucket; nothing is shared when missing. */
  shared?: SharedObjects | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Brings a revision's files into a bucket and makes the manifest that says where they are. What is there already, as an
 * object or in the pack of an earlier revision, stays there; what a lender has is left with it; the rest is sent, small
 * files together where the bucket prefers few objects.
 */
export async function bringRevision(
  bucket: Bucket,
  sending: Sending,
  revision: RevisionFiles,
): Promise<Brought> {
  const { open, shared, signal } = revision;
  const files = inOrderOfPath(revision.files);
  const places = new Map<string, Place>();
  const needed = new Map<string, NeededObject>();
  const lenders: Lender[] = [];

  const wanted = firstOfEach(files);
  const found = await findObjects(bucket, wanted.map(keyOf));
  let missing = wanted.filter((file) => !found.has(keyOf(file)));
  const packed = missing.length === 0 ? [] : placesAmong(await revision.earlier(), missing).filter(isPacked);
  for (const file of (await findSound(bucket, packed, signal)).values()) {
    places.set(file.sha256, file.place);
    const { object } = file.place;
    needed.set(object.sha256, { ...object, file: file.path });
    sending.done([file]);
  }
  missing = missing.filter(({ sha256 }) => !places.has(sha256));
  if (shared && missing.length > 0)
    for (const { file, lender } of await shared.find(missing, signal)) {
      places.set(file.sha256, file.place);
      lenders.push(lender);
      sending.done([file]);
    }
  const isHere = (file: WeightFile): boolean => found.has(keyOf(file));
  const toSend = missing.filter(({ sha256 }) => !places.has(sha256));
  const { packs, others } = bucket.capabilities.prefersFewObjects
    ? packFiles(toSend)
    : { packs: [], others: toSend };
  await sending.inParallel([...packs, ...wanted.filter(isHere), ...others], async (work) => {
    if (Array.isArray(work)) return putPack(work);
    const object = { ...ownPlace(work).object, file: work.path, open: () => open(work) };
    needed.set(work.sha256, object);
    places.set(work.sha256, ownPlace(work));
    await sending.put(object, { there: found.get(keyOf(work)) });
  });
  const placed = files.map(({ path, sizeBytes, sha256 }) => ({
    path,
    sizeBytes,
    sha256,
    place: places.get(sha256)!,
  }));
  const manifest: Manifest = { ...revision.manifest, ...listPlaces(placed) };
  const manifestBytes = encodeManifest(manifest);
  return { manifest, manifestBytes, objects: [...needed.values()], lenders };

  async function putPack(inPack: readonly WeightFile[]): Promise<void> {
    signal?.throwIfAborted();
    const bytes = await collectPack(inPack, open);
    const object = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
    let start = 0;
    for (const { sha256, sizeBytes } of inPack) {
      places.set(sha256, { object, start });
      start += sizeBytes;
    }
    const file = inPack[0]!.path;
    await sending.put({ ...object, file, open: () => bytes });
    // Not what is in memory: should the pack vanish it is put together once more.
    needed.set(object.sha256, { ...object, file, open: () => joined(inPack, open) });
  }
}

/** The bytes of files one after the other, in memory. */
async function collectPack(files: readonly WeightFile[], open: RevisionFiles['open']): Promise<Uint8Array> {
  const bytes = new Uint8Array(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  let filled = 0;
  for await (const chunk of joined(files, open)) {
    // Of a file that has grown meanwhile the end does not fit in; its digest is about to tell.
    if (filled + chunk.byteLength <= bytes.byteLength) bytes.set(chunk, filled);
    filled += chunk.byteLength;
  }
  return bytes;
}

async function* joined(
  files: readonly WeightFile[],
  open: RevisionFiles['open'],
): AsyncGenerator<Uint8Array> {
  const breather = new Breather();
  for (const file of files) {
    yield* chunksOf(open(file));
    await breather.step(file.sizeBytes);
  }
}

function keyOf({ sha256 }: WeightFile): string {
  return objectKey(sha256);
}
