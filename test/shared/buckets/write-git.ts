import { GitBucket } from '../../../shared/buckets/git.ts';
import { Secrets } from '../../../shared/secrets.ts';

/** A process of `git.test.ts`: writes five keys of its own and one that all share. */
const [gitUrl, origin, cacheDirectory, name] = process.argv.slice(2);
const bucket = await GitBucket.open(
  { type: 'git', gitUrl: gitUrl!, gitTag: 'main' },
  {
    hosts: [origin!],
    secrets: new Secrets(),
    localRoots: { allowed: [], private: [] },
    cacheDirectory: cacheDirectory!,
    clock: { now: () => 0 },
  },
);
for (let index = 0; index < 5; index += 1) await bucket.write(`${name}/${index}`, Buffer.from(name!));
await bucket.write('shared', Buffer.from('the same for all'));
process.send!('done', () => process.disconnect());
