import { join } from 'node:path';
import type { FolderFile } from '../../../shared/buckets/item-folder.ts';
import { BUCKET_TYPES, openBucket } from '../../../shared/buckets/registry.ts';
import { LocalContentStore } from '../../../shared/content/local-content-store.ts';
import type { BucketType } from '../../../shared/entities/bucket-spec.ts';
import type { OpenedBucket } from '../../contracts/bucket.contract.ts';
import { gitContext } from '../../support/git-context.ts';
import { GitServer } from '../../support/git-server.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { MemoryItemFolder } from './memory-item-folder.ts';

/** An opener for each type of the registry: a driver without one does not compile. */
export const OPENERS: Record<BucketType, () => Promise<OpenedBucket>> = {
  local: async () => {
    const root = join(temporaryFolder(), 'bucket');
    const open = () => openBucket({ type: 'local', localPath: root }, context([root]));
    return { bucket: await open(), again: await open() };
  },
  item: async () => {
    const files = new Map<string, FolderFile>();
    const content = new LocalContentStore({ directory: temporaryFolder() });
    const openItemFolder = async () => new MemoryItemFolder(files, content);
    const open = () => openBucket({ type: 'item', itemId: 'folder-1' }, { ...context([]), openItemFolder });
    return { bucket: await open(), again: await open() };
  },
  git: async () => {
    const server = await GitServer.start();
    const { gitUrl } = await server.repository();
    // A cache for each handle, as two machines would have it.
    const open = () =>
      openBucket(
        { type: 'git', gitUrl, gitTag: 'main', gitPath: 'some/folder' },
        { ...context([]), git: gitContext({ hosts: [server.origin] }) },
      );
    return { bucket: await open(), again: await open() };
  },
};

export const bucketTypes = BUCKET_TYPES;

function context(localRoots: readonly string[]) {
  return {
    localRoots,
    defaultRoot: '/nonexistent',
    openItemFolder: () => Promise.reject(new Error('no item folder was planned for')),
    git: gitContext(),
  };
}
