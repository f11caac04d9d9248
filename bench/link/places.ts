import type { Bucket } from '../../shared/buckets/bucket.ts';
import { GuardedBucket } from '../../shared/buckets/guarded-bucket.ts';
import { readConfig } from '../../shared/config.ts';
import type { BucketSpec } from '../../shared/entities/bucket-spec.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { type ServerProcess, startServer } from './child.ts';
import { HttpBucket } from './http-bucket.ts';

/** A server with a bucket on it, for transfers to and from. */
export interface Place {
  name: string;
  server: ServerProcess;
  /** What a snapshot's bucket is, and what the environment of who opens it has to say; `undefined` opens `HttpBucket`. */
  spec: BucketSpec | undefined;
  /** The bucket, reached at an origin: the server's own, or that of a link before it. */
  open(home: string, origin: string): Promise<{ bucket: Bucket; close(): Promise<void> }>;
  /** Where a plain GET finds an object. */
  urlOf(origin: string, key: string): string;
  /** Where a plain request stores one, and by which method. */
  uploadOf(origin: string, key: string): { method: 'PUT' | 'POST'; url: string };
}

/** Where transfers are measured: Cloud Storage's protocol and plain HTTP. */
export async function openPlaces(): Promise<Place[]> {
  return [await openGcs(), await openHttp()];
}

async function openHttp(): Promise<Place> {
  return {
    name: 'plain HTTP with ranges',
    server: await startServer('link/object-server.ts'),
    spec: undefined,
    open: async (_home, origin) => ({
      bucket: new GuardedBucket(new HttpBucket(origin)),
      close: async () => undefined,
    }),
    urlOf: (origin, key) => `${origin}/${encodeURIComponent(key)}`,
    uploadOf: (origin, key) => ({ method: 'PUT', url: `${origin}/${encodeURIComponent(key)}` }),
  };
}

async function openGcs(): Promise<Place> {
  const spec: BucketSpec = {
    type: 'gcs',
    gcsProjectName: 'bench-project',
    gcsBucketName: 'bench',
    gcsPrefix: 'weights',
  };
  return {
    name: 'Cloud Storage',
    server: await startServer('link/gcs-server.ts'),
    spec,
    open: async (home, origin) => {
      const env = { MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'error', STORAGE_EMULATOR_HOST: origin };
      const platform = await openPlatform(readConfig(env));
      const bucket = await platform.openBucket({ id: 'b'.repeat(24), projectId: 'bench' }, spec);
      return { bucket, close: () => platform.close() };
    },
    urlOf: (origin, key) =>
      `${origin}/storage/v1/b/bench/o/${encodeURIComponent(`weights/${key}`)}?alt=media`,
    uploadOf: (origin, key) => ({
      method: 'POST',
      url: `${origin}/upload/storage/v1/b/bench/o?uploadType=media&name=${encodeURIComponent(`weights/${key}`)}`,
    }),
  };
}
