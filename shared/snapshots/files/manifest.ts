import * as z from 'zod/mini';
import { layoutProblem, MAX_TOTAL_BYTES } from '../../content/folder-layout.ts';
import { idSchema, jsonObjectSchema, sha256Schema, timeSchema } from '../../entities/fields.ts';
import { messageOf } from '../../errors.ts';
import { canonicalJson } from '../../json.ts';
import { parse } from '../../parse.ts';
import { WeightsCorrupt } from '../errors.ts';
import { packProblem } from './pack-problem.ts';

/** Bytes of a manifest at most. */
export const MAX_MANIFEST_BYTES = 32 * 2 ** 20;

/** Manifests up to this size are kept in the store as well: some hundred files. */
export const MAX_KEPT_BYTES = 32 * 2 ** 10;

/** One file of a snapshot's weights. `path` is relative and `/`-separated. */
export interface WeightFile {
  path: string;
  sizeBytes: number;
  sha256: string;
}

const countSchema = z.int().check(z.gte(0), z.lte(MAX_TOTAL_BYTES));

/** What one revision of a snapshot's weights is made of. Written last, read first. */
export const manifestSchema = z.object({
  /** 2 when some of the files lie in packs, else 1: who knows of no packs refuses such a manifest and misses no file. */
  formatVersion: z.union([z.literal(1), z.literal(2)]),
  /** The snapshot it was saved for; a copy in another snapshot's bucket keeps it. */
  snapshotId: idSchema,
  revision: z.int().check(z.gte(1)),
  createdAt: timeSchema,
  /** In order of path. The bytes of a file are the object `objects/<sha256>`, or lie in that of a pack. */
  files: z
    .array(
      z.object({
        path: z.string(),
        sizeBytes: countSchema,
        sha256: sha256Schema,
        /** Which of the packs the bytes lie in, from 0; `offset` is with it, and neither is for an object of its own. */
        pack: z.optional(countSchema),
        /** Where in the pack they begin. */
        offset: z.optional(countSchema),
      }),
    )
    .check(z.minLength(1)),
  /** Objects that hold the bytes of several small files; each is that of a file at least. */
  packs: z.optional(
    z.array(z.object({ sha256: sha256Schema, sizeBytes: countSchema })).check(z.minLength(1)),
  ),
  configuration: jsonObjectSchema,
  lineage: jsonObjectSchema,
  labels: z.optional(z.array(z.string())),
});
export type Manifest = z.output<typeof manifestSchema>;

/** Canonical JSON: the same manifest always gives the same bytes, whatever the order of its files and keys. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(canonicalJson({ ...manifest, files: inOrderOfPath(manifest.files) }));
}

/** The files in the order in which a manifest has them. */
export function inOrderOfPath<T extends { path: string }>(files: readonly T[]): T[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * Reads a manifest from outside. `file` names it in the error.
 * @throws WeightsCorrupt when it is no manifest, or lists files that cannot be laid out in a folder, or packs that
 * cannot hold what is said to lie in them
 */
export function decodeManifest(bytes: Uint8Array, file: string, snapshotId?: string): Manifest {
  const at = { file, ...(snapshotId !== undefined && { snapshotId }) };
  let manifest: Manifest;
  try {
    manifest = parse(manifestSchema, JSON.parse(decodeUtf8(bytes)), 'manifest');
  } catch (error) {
    throw new WeightsCorrupt(`it is no manifest of weights: ${messageOf(error)}`, { ...at, cause: error });
  }
  const fault = layoutProblem(manifest.files) ?? packProblem(manifest);
  if (fault)
    throw new WeightsCorrupt(`its file ${JSON.stringify(fault.file)} is refused: ${fault.problem}`, at);
  return manifest;
}

/** A manifest's files, without where they lie. */
export function weightFiles({ files }: Pick<Manifest, 'files'>): WeightFile[] {
  return files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }));
}

/** Key of the object that holds bytes with this digest. */
export function objectKey(sha256: string): string {
  return `objects/${sha256}`;
}

/** Key of a manifest: revisions can be told apart by eye, and two of one revision never overwrite each other. */
export function manifestKey(revision: number, sha256: string): string {
  return `manifests/${revision}.${sha256.slice(0, 16)}.json`;
}

/** The revision that a manifest was saved as, by its key; `undefined` when no key of ours. */
export function revisionOfManifest(key: string): number | undefined {
  const revision = /^manifests\/(\d{1,15})\.[0-9a-f]{16}\.json$/.exec(key)?.[1];
  return revision === undefined ? undefined : Number(revision);
}

/** Where a training's checkpoints lie, below them the same keys as beside the weights. */
export function checkpointPrefix(executionId: string): string {
  return `checkpoints/${executionId}/`;
}

/** The execution whose checkpoint a key belongs to; `undefined` for other keys. */
export function checkpointOwner(key: string): string | undefined {
  return /^checkpoints\/([\w.:-]{1,128})\//.exec(key)?.[1];
}

/** True for the keys `objectKey` and `manifestKey` make, a checkpoint's too: they are ours, not files a user put into the bucket. */
export function isProtocolKey(key: string): boolean {
  return /^(checkpoints\/[\w.:-]{1,128}\/)?(objects\/[0-9a-f]{64}|manifests\/\d+\.[0-9a-f]{16}\.json)$/.test(
    key,
  );
}

/**
 * Name of an empty file beside a single file of weights in an item bucket: the Dataloop SDK 1.49 copies nothing out of a folder
 * with one file, and reports success.
 */
export const COMPANION = '.keep';

function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
