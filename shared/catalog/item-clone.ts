import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { idSchema, jsonObjectSchema } from '../entities/fields.ts';
import type { Item } from '../entities/item.ts';
import { InvalidInput } from '../errors.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertWritable, datasetFor, itemFor } from './access.ts';
import { type Command, finishedCommand } from './command.ts';
import { copyItems } from './copy-items.ts';
import { PathTaken } from './errors.ts';
import { ensureFoldersAbove, itemsAt } from './folders.ts';
import { type ItemPath, readItemPath, splitPath } from './item-path.ts';

/** The client's three flags; ours copies whatever is not switched off. */
export const cloneParamsSchema = z._default(
  z.nullable(
    z.object({
      withItemsAnnotations: z.nullish(z.boolean()),
      withMetadata: z.nullish(z.boolean()),
    }),
  ),
  null,
);

const itemCloneSchema = z.object({
  targetDatasetId: z.nullish(idSchema),
  remoteFileName: z.nullish(z.string()),
  metadata: z.nullish(jsonObjectSchema),
  cloneDatasetParams: cloneParamsSchema,
  /** Whether a taken path gets a number; else it is refused. */
  allowMany: z.nullish(z.boolean()),
});

/**
 * Copies a file, to another dataset or path. `spec.returnedModelId` of the answer holds the new item's id.
 * @throws EntityNotFound, MalformedId, DatasetReadonly, InvalidInput, InvalidItemPath, PathTaken
 */
export async function cloneItem(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Command> {
  const wish = parse(itemCloneSchema, input ?? {}, 'clone of an item');
  const clone = await platform.store.transaction(async (store) => {
    const { item } = await itemFor(store, actor, id);
    if (item.type === 'dir')
      throw new InvalidInput('clone of an item', [{ field: 'id', problem: 'is a folder; clone its files' }]);
    const dataset = await datasetFor(store, actor, wish.targetDatasetId ?? item.datasetId);
    assertWritable(dataset);
    const origin = { platform, actor, dataset };
    const path = await freePath(
      store,
      dataset.id,
      readItemPath(wish.remoteFileName ?? item.filename),
      wish.allowMany ?? false,
    );
    await ensureFoldersAbove(origin, store, [path.filename]);
    const copy = { item, path, ...(wish.metadata && { metadata: wish.metadata }) };
    const [made] = await copyItems(origin, store, [copy], readCloneParams(wish.cloneDatasetParams));
    return made as Item;
  });
  return finishedCommand(platform, 'CloneItem', { returnedModelId: [clone.id], datasetId: clone.datasetId });
}

export function readCloneParams(params: z.output<typeof cloneParamsSchema>): {
  withItemsAnnotations: boolean;
  withMetadata: boolean;
} {
  return {
    withItemsAnnotations: params?.withItemsAnnotations ?? true,
    withMetadata: params?.withMetadata ?? true,
  };
}

/** The path itself, or with `allowMany` the first free one of `a.png`, `a (1).png`, `a (2).png`... */
async function freePath(
  store: EntityStore,
  datasetId: string,
  path: ItemPath,
  allowMany: boolean,
): Promise<ItemPath> {
  let candidate = path;
  for (let number = 1; ; number += 1) {
    const holder = (await itemsAt(store, datasetId, [candidate.filename])).get(candidate.filename);
    if (!holder) return candidate;
    if (!allowMany) throw new PathTaken(candidate.filename, holder.type);
    candidate = splitPath(readItemPath(numbered(path.filename, number)).filename);
  }
}

function numbered(filename: string, number: number): string {
  const dot = filename.lastIndexOf('.');
  const end = dot > filename.lastIndexOf('/') + 1 ? dot : filename.length;
  return `${filename.slice(0, end)} (${number})${filename.slice(end)}`;
}
