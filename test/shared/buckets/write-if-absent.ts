import { LocalBucket } from '../../../shared/buckets/local.ts';
import { hasCode } from '../../../shared/errors.ts';

/** A process of `local.test.ts`: tries to write twenty keys and tells which it got. */
const [root, name] = process.argv.slice(2);
const bucket = new LocalBucket({ type: 'local' }, root!);

process.once('message', async () => {
  const won: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    const key = `race-${index}`;
    try {
      await bucket.write(key, Buffer.from(name!), { ifAbsent: true });
      won.push(key);
    } catch (error) {
      if (!hasCode(error, 'PreconditionFailed')) throw error;
    }
  }
  process.send!(won, () => process.disconnect());
});
process.send!('ready');
