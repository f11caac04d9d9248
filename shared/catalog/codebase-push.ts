import { createHash } from 'node:crypto';
import type { Actor } from '../auth/actor.ts';
import { ARCHIVE_LIMITS } from '../codebases/archive.ts';
import { ArchiveRefused } from '../codebases/errors.ts';
import { readZipDirectory } from '../codebases/zip-directory.ts';
import { sha256Of } from '../content/file-digest.ts';
import { nameSchema } from '../entities/fields.ts';
import type { Item } from '../entities/item.ts';
import type { Model } from '../entities/model.ts';
import { InvalidInput } from '../errors.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { listMatches } from './all-matches.ts';
import { binariesDataset } from './datasets.ts';
import { uploadItem } from './item-upload.ts';
import { modelFor } from './model-access.ts';
import { updateModel } from './models.ts';

export interface CodebasePush {
  projectId: string;
  /** Names the folder `/codebases/<name>` whose versions are counted. */
  name: string;
  /** A zip of the code. */
  archive: Uint8Array;
  /** Hex digest of the archive as the sender made it; a different one is refused. */
  sha256?: string | undefined;
  /** The same in md5, which Dataloop's client keeps. */
  md5?: string | undefined;
}

export interface PushedCodebase {
  /** The zip item. */
  itemId: string;
  /** Counts from 0. */
  version: number;
  /** True when this very archive was there already. */
  reused: boolean;
}

/**
 * Keeps code as `/codebases/<name>/<version>.zip` of the project's Binaries, as Dataloop's client does (docs/WIRE.md,
 * Codebases). The same bytes again are the same version; two that push at once each get their own.
 * @throws ArchiveRefused, InvalidInput, InvalidItemPath, EntityNotFound, ItemTooLarge
 */
export async function pushCodebase(
  platform: Platform,
  actor: Actor,
  push: CodebasePush,
): Promise<PushedCodebase> {
  const name = parse(nameSchema, push.name, 'name of a codebase');
  const { archive } = push;
  const digests = { sha256: sha256Of(archive), md5: createHash('md5').update(archive).digest('hex') };
  checkArchive(push, digests);
  const { id: datasetId } = await binariesDataset(platform, actor, push.projectId);
  for (;;) {
    const versions = await versionsOf(platform, datasetId, name);
    const same = versions.find(({ item }) => item.content?.sha256 === digests.sha256);
    if (same) return { itemId: same.item.id, version: same.version, reused: true };
    const version = Math.max(-1, ...versions.map((each) => each.version)) + 1;
    const { item, op } = await uploadItem(platform, actor, {
      datasetId,
      path: `/codebases/${name}/${version}.zip`,
      source: archive,
      mode: 'skip',
      metadata: { system: { md5: digests.md5 } },
    });
    // Another process took this version in between: look again, it may have pushed the same code.
    if (op !== 'exist') return { itemId: item.id, version, reused: false };
  }
}

export interface ModelCodePush {
  modelId: string;
  archive: Uint8Array;
  /** The codebase's name; the model's when missing. */
  name?: string | undefined;
  /** File of the archive that exports the adapter; the model's present one when missing. */
  entryPoint?: string | undefined;
  /** Name of the export; the model's present one when missing. */
  className?: string | undefined;
}

/**
 * Pushes code and points the model at it, which makes the model's next version when anything changed.
 * @throws EntityNotFound and the codes of `pushCodebase`
 */
export async function pushModelCode(
  platform: Platform,
  actor: Actor,
  push: ModelCodePush,
): Promise<{ model: Model; codebase: PushedCodebase }> {
  const { modelId, archive, entryPoint, className } = push;
  const { name, projectId } = await modelFor(platform.store, actor, modelId);
  const codebase = await pushCodebase(platform, actor, { projectId, name: push.name ?? name, archive });
  const model = await updateModel(platform, actor, modelId, {
    codebase: { type: 'item', itemId: codebase.itemId },
    entryPoint,
    className,
  });
  return { model, codebase };
}

function checkArchive(push: CodebasePush, digests: { sha256: string; md5: string }): void {
  const { archiveBytes, files } = ARCHIVE_LIMITS;
  if (push.archive.byteLength > archiveBytes)
    throw new ArchiveRefused(`it has ${push.archive.byteLength} bytes, ${archiveBytes} are allowed`);
  readZipDirectory(push.archive, files);
  for (const kind of ['sha256', 'md5'] as const)
    if (push[kind] !== undefined && push[kind].toLowerCase() !== digests[kind])
      throw new InvalidInput('codebase', [
        { field: kind, problem: `the archive that arrived has ${digests[kind]}` },
      ]);
}

/** The archives directly below `/codebases/<name>`, however they came there. */
async function versionsOf(
  { store }: Pick<Platform, 'store'>,
  datasetId: string,
  name: string,
): Promise<{ version: number; item: Item }[]> {
  const items = await listMatches(store, 'Item', {
    filter: { $and: [{ dir: { $in: [`/codebases/${name}`] } }, { type: 'file' }] },
    scope: { datasetId },
  });
  return items.flatMap((item) => {
    const number = /^(\d{1,9})\.zip$/.exec(item.name)?.[1];
    return number === undefined ? [] : [{ version: Number(number), item }];
  });
}
