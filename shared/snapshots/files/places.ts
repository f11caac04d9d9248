import { type Manifest, objectKey, type WeightFile } from './manifest.ts';

/** An object of a bucket, and the bytes it has to have. */
export interface StoredObject {
  sha256: string;
  sizeBytes: number;
}

/** A stretch of an object where a file's bytes lie: all of it, for an object of the file's own. */
export interface Place {
  object: StoredObject;
  /** First byte; the file's size tells the last. */
  start: number;
}

/** A file and where its bytes lie. */
export interface PlacedFile extends WeightFile {
  place: Place;
}

/** Where the bytes of a manifest's files lie: all that a bucket is asked for goes by this. */
export function placedFiles({ files, packs }: Pick<Manifest, 'files' | 'packs'>): PlacedFile[] {
  return files.map(({ path, sizeBytes, sha256, pack, offset }) => ({
    path,
    sizeBytes,
    sha256,
    place: pack === undefined ? ownPlace({ sha256, sizeBytes }) : { object: packs![pack]!, start: offset! },
  }));
}

/** The place of a file that is an object of its own. */
export function ownPlace({ sha256, sizeBytes }: StoredObject): Place {
  return { object: { sha256, sizeBytes }, start: 0 };
}

/** True for a stretch of an object that others lie in as well. */
export function isPacked({ sha256, place }: PlacedFile): boolean {
  return place.object.sha256 !== sha256;
}

/** Files of one pack together, and those that are objects of their own. */
export function groupByPack<T extends PlacedFile>(files: readonly T[]): { packs: T[][]; others: T[] } {
  const packs = new Map<string, T[]>();
  const others: T[] = [];
  for (const file of files) {
    if (!isPacked(file)) others.push(file);
    else if (packs.has(keyOf(file))) packs.get(keyOf(file))!.push(file);
    else packs.set(keyOf(file), [file]);
  }
  return { packs: [...packs.values()], others };
}

/** Those of the places that are said to have the bytes of one of the files. */
export function placesAmong(placed: readonly PlacedFile[], files: readonly WeightFile[]): PlacedFile[] {
  const wanted = new Map(files.map((file) => [file.sha256, file.sizeBytes]));
  return placed.filter(({ sha256, sizeBytes }) => wanted.get(sha256) === sizeBytes);
}

/** The first file of each digest: equal bytes are needed once. */
export function firstOfEach<T extends { sha256: string }>(files: readonly T[]): T[] {
  const first = new Map<string, T>();
  for (const file of files) if (!first.has(file.sha256)) first.set(file.sha256, file);
  return [...first.values()];
}

/** Key of the object that a file's bytes lie in. */
export function keyOf({ place }: Pick<PlacedFile, 'place'>): string {
  return objectKey(place.object.sha256);
}

/** The objects a manifest needs, each once, with the first of the files in it. */
export function objectsOf(
  manifest: Pick<Manifest, 'files' | 'packs'>,
): (StoredObject & { key: string; file: string })[] {
  const objects = new Map<string, StoredObject & { key: string; file: string }>();
  for (const { path, place } of placedFiles(manifest)) {
    const { sha256, sizeBytes } = place.object;
    if (!objects.has(sha256)) objects.set(sha256, { sha256, sizeBytes, key: objectKey(sha256), file: path });
  }
  return [...objects.values()];
}

/** What a manifest says of where files lie, its version with it: one without packs is as it always was. */
export function listPlaces(
  files: readonly PlacedFile[],
): Pick<Manifest, 'formatVersion' | 'files'> & Partial<Pick<Manifest, 'packs'>> {
  const packs = new Map<string, { index: number; object: StoredObject }>();
  const listed = files.map((file) => {
    const { path, sizeBytes, sha256, place } = file;
    if (!isPacked(file)) return { path, sizeBytes, sha256 };
    const { object, start } = place;
    const known = packs.get(object.sha256) ?? { index: packs.size, object };
    packs.set(object.sha256, known);
    return { path, sizeBytes, sha256, pack: known.index, offset: start };
  });
  if (packs.size === 0) return { formatVersion: 1, files: listed };
  const objects = [...packs.values()].map(({ object: { sha256, sizeBytes } }) => ({ sha256, sizeBytes }));
  return { formatVersion: 2, files: listed, packs: objects };
}
