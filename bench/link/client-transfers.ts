import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { inParallel } from '../../shared/content/in-parallel.ts';
import { MAX_REQUESTS } from '../../shared/snapshots/files/request-budget.ts';
import type { Place } from './places.ts';
import type { RandomFile } from './random-files.ts';

/** The same transfers by Google's own client, as its documentation has them. */
export interface ClientTransfers {
  upload(files: readonly RandomFile[]): Promise<void>;
  download(files: readonly RandomFile[]): Promise<void>;
}

/** `undefined` for a place that is not Cloud Storage. */
export function clientTransfers(place: Place, folder: string): ClientTransfers | undefined {
  if (place.spec === undefined) return undefined;
  const storage = new Storage({ apiEndpoint: place.server.origin, projectId: 'bench' });
  const bucket = storage.bucket('bench');
  return {
    upload: (files) =>
      inParallel(files, MAX_REQUESTS, async ({ path, name }) => {
        await bucket.upload(path, { destination: `weights/client/${name}` });
      }),
    download: (files) => {
      mkdirSync(join(folder, 'client'), { recursive: true });
      return inParallel(files, MAX_REQUESTS, async ({ name }) => {
        const destination = join(folder, 'client', name);
        await bucket.file(`weights/client/${name}`).download({ destination });
      });
    },
  };
}
