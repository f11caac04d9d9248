import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FolderFile } from '../../../shared/buckets/item-folder.ts';
import { BUCKET_TYPES, openBucket } from '../../../shared/buckets/registry.ts';
import type { GcsSettings } from '../../../shared/config.ts';
import { LocalContentStore } from '../../../shared/content/local-content-store.ts';
import type { BucketType } from '../../../shared/entities/bucket-spec.ts';
import type { OpenedBucket } from '../../contracts/bucket.contract.ts';
import { startGcsServer } from '../../support/gcs-server.ts';
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
  gcs: openGcs,
};

/** Settings under which nothing may be asked of Cloud Storage. */
export const NO_GCS: Readonly<GcsSettings> = {
  credentials: 'anonymous',
  endpoint: 'http://127.0.0.1:1',
  buckets: undefined,
};

/** A bucket of a server for tests, below a prefix, as the registry opens it. */
async function openGcs(): Promise<OpenedBucket> {
  const server = await startGcsServer('weights-of-tests');
  onTestFinished(() => server.close());
  return openGcsOn(server.origin, 'weights-of-tests');
}

/** A fresh prefix of a bucket that is there. */
export async function openGcsOn(endpoint: string, gcsBucketName: string): Promise<OpenedBucket> {
  const spec = {
    type: 'gcs',
    gcsProjectName: 'test-project',
    gcsBucketName,
    gcsPrefix: `run/${randomUUID()}`,
  } as const;
  const open = () => openBucket(spec, { ...context([]), gcs: { ...NO_GCS, endpoint } });
  return { bucket: await open(), again: await open() };
}

export const bucketTypes = BUCKET_TYPES;

function context(allowed: readonly string[]) {
  return {
    localRoots: { allowed, private: [] },
    gcs: NO_GCS,
    defaultRoot: '/nonexistent',
    openItemFolder: () => Promise.reject(new Error('no item folder was planned for')),
    git: gitContext(),
  };
}
