import { GuardedBucket } from '../../../shared/buckets/guarded-bucket.ts';
import { LocalBucket } from '../../../shared/buckets/local.ts';
import { systemClock } from '../../../shared/clock.ts';
import { saveFiles } from '../../../shared/snapshots/files/save-files.ts';

/** A process of `save-files.test.ts`: saves files of which some are the other's too, and tells where. */
const [root, name] = process.argv.slice(2);
const texts = {
  own: name!,
  shared: 's'.repeat(200_000),
  ...Object.fromEntries(Array.from('12345678', (n) => [n, n])),
};

process.once('message', async () => {
  const saved = await saveFiles({
    bucket: new GuardedBucket(new LocalBucket({ type: 'local' }, root!)),
    source: Object.entries(texts).map(([path, text]) => ({ path, open: () => Buffer.from(text) })),
    snapshotId: 'digits',
    revision: 1,
    configuration: { name: name! },
    lineage: {},
    clock: systemClock,
  });
  process.send!(saved, () => process.disconnect());
});
process.send!('ready');
