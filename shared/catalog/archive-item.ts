import type { Actor } from '../auth/actor.ts';
import { CodebaseNotFound } from '../codebases/errors.ts';
import type { CodebaseContext } from '../codebases/registry.ts';
import { hasCode } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { itemFor } from './access.ts';

type ArchiveItem = Awaited<ReturnType<CodebaseContext['readItem']>>;

/** The zip item of a codebase that the actor may see. @throws CodebaseNotFound */
export async function readArchiveItem(
  { store, content }: Pick<Platform, 'store' | 'content'>,
  actor: Actor,
  itemId: string,
): Promise<ArchiveItem> {
  const advice = 'Push the code again with `modelfn models push`.';
  try {
    const { item } = await itemFor(store, actor, itemId);
    const archive = item.content;
    if (!archive) throw new CodebaseNotFound(`item ${itemId} is a folder`, advice);
    return { name: item.filename, sha256: archive.sha256, bytes: () => content.bytes(archive) };
  } catch (error) {
    if (!hasCode(error, 'EntityNotFound') && !hasCode(error, 'InvalidInput')) throw error;
    throw new CodebaseNotFound(
      `no item ${JSON.stringify(itemId)} that the model's project may use`,
      advice,
      error,
    );
  }
}
