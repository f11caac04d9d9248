import { describe, expect, it } from 'vitest';
import type { BucketType } from '../../../shared/entities/bucket-spec.ts';
import { copyBareFiles, copyFiles } from '../../../shared/snapshots/files/copy-files.ts';
import { codeOf, listOf } from '../../contracts/bucket.contract.ts';
import { bucketTypes, OPENERS } from '../buckets/openers.ts';
import { WatchedBucket } from '../buckets/watched-bucket.ts';
import { load, localBucket, save, textsIn } from './weights.ts';

const FILES = { 'model.bin': 'weights', 'labels/en.json': '["a"]' };
const PAIRS: [BucketType, BucketType][] = bucketTypes.flatMap((from) =>
  bucketTypes.map((to): [BucketType, BucketType] => [from, to]),
);

describe('copying weights', () => {
  it.each(PAIRS)('from a %s to a %s bucket keeps the pointer good', async (fromType, toType) => {
    const { bucket: from } = await OPENERS[fromType]();
    const { bucket: to } = await OPENERS[toType]();
    const saved = await save(from, FILES);

    const copied = await copyFiles({ from, to, weights: saved, snapshotId: 'digits' });

    expect(copied).toEqual(saved);
    expect(await textsIn((await load(to, saved)).directory)).toEqual(FILES);
  });

  it('refuses damaged weights and commits nothing of them', async () => {
    const [from, to] = [localBucket(), localBucket()];
    const saved = await save(from, FILES);
    await from.write(`objects/${saved.files[1]!.sha256}`, Buffer.from('weighty'));

    expect(await codeOf(copyFiles({ from, to, weights: saved, snapshotId: 'digits' }))).toBe(
      'WeightsCorrupt',
    );
    expect((await listOf(to)).map(({ key }) => key)).not.toContain(saved.manifestKey);
    expect((await listOf(to)).map(({ key }) => key)).not.toContain(`objects/${saved.files[1]!.sha256}`);
  });

  it('writes the manifest last and goes on where it was stopped', async () => {
    const [from, inner] = [localBucket(), localBucket()];
    const saved = await save(from, FILES);
    const to = new WatchedBucket(inner);
    await inner.write(`objects/${saved.files[0]!.sha256}`, Buffer.from('["a"]'));

    await copyFiles({ from, to, weights: saved, snapshotId: 'digits' });

    const writes = to.calls.filter(({ operation }) => operation === 'write').map(({ key }) => key);
    expect(writes).toEqual([`objects/${saved.files[1]!.sha256}`, saved.manifestKey]);
  });

  it('copies bare files under their own keys, without saved revisions', async () => {
    const [from, to] = [localBucket(), localBucket()];
    await save(from, FILES);
    await from.write('a/model.bin', Buffer.from('m'));

    expect(await copyBareFiles({ from, to, snapshotId: 'digits' })).toBe(1);
    expect((await listOf(to)).map(({ key }) => key)).toEqual(['a/model.bin']);
    expect(await codeOf(copyBareFiles({ from: localBucket(), to, snapshotId: 'digits' }))).toBe(
      'WeightsMissing',
    );
  });
});
