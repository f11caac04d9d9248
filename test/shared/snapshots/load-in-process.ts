import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GuardedBucket } from '../../../shared/buckets/guarded-bucket.ts';
import { LocalBucket } from '../../../shared/buckets/local.ts';
import { digestFile } from '../../../shared/content/file-digest.ts';
import { FileCache } from '../../../shared/snapshots/files/file-cache.ts';
import { loadFiles } from '../../../shared/snapshots/files/load-files.ts';

/** A process of `shared-loads.test.ts`: loads a revision into a cache that is the other's too, and tells the digests. */
const [root, directory, weights] = process.argv.slice(2);

process.once('message', async () => {
  const loaded = await loadFiles({
    bucket: new GuardedBucket(new LocalBucket({ type: 'local' }, root!)),
    weights: JSON.parse(weights!),
    cache: new FileCache({ directory: directory!, maxBytes: 1 << 30 }),
    snapshotId: 'digits',
  });
  const digests: Record<string, string> = {};
  for (const name of await readdir(loaded.directory))
    digests[name] = (await digestFile(join(loaded.directory, name))).sha256;
  process.send!(digests, () => process.disconnect());
});
process.send!('ready');
