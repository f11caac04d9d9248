import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { artifactFolder } from '../../shared/catalog/artifact-folder.ts';
import type { Config } from '../../shared/config.ts';
import type { BucketSpec, BucketType } from '../../shared/entities/bucket-spec.ts';
import { NO_GCS } from '../shared/buckets/openers.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { startGcsServer } from './gcs-server.ts';
import { GitServer } from './git-server.ts';
import type { TinyWorkspace } from './tiny-workspace.ts';

/** A kind of bucket as snapshots have it. */
export interface BucketKind {
  config: Partial<Config>;
  /** The spec of an empty bucket. */
  spec(space: TinyWorkspace): Promise<BucketSpec>;
}

/** How a workspace has an empty bucket of each type: a type without one does not compile. */
export const BUCKET_KINDS: Record<BucketType, () => Promise<BucketKind>> = {
  local: async () => {
    const root = temporaryFolder();
    return {
      config: { localRoots: [root] },
      spec: async () => ({ type: 'local', localPath: join(root, randomUUID()) }),
    };
  },
  item: async () => ({
    config: {},
    spec: async ({ platform, project }) => ({
      type: 'item',
      itemId: await artifactFolder(
        platform,
        LOCAL_ACTOR,
        project.id,
        `/models/tiny/snapshots/${randomUUID()}`,
      ),
    }),
  }),
  git: async () => {
    const server = await GitServer.start();
    const { gitUrl } = await server.repository();
    return {
      config: { gitHosts: [server.origin] },
      spec: async () => ({ type: 'git', gitUrl, gitTag: `weights/${randomUUID()}` }),
    };
  },
  gcs: async () => {
    const server = await startGcsServer('weights-of-tests');
    onTestFinished(() => server.close());
    return {
      config: { gcs: { ...NO_GCS, endpoint: server.origin } },
      spec: async () => ({
        type: 'gcs',
        gcsProjectName: 'test-project',
        gcsBucketName: 'weights-of-tests',
        gcsPrefix: `run/${randomUUID()}`,
      }),
    };
  },
};
