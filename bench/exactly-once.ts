import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deliverAll } from '../test/support/exactly-once/deliver.ts';
import { openParitySpace } from '../test/support/exactly-once/parity-space.ts';
import { postgresPlace, sqlitePlace } from '../test/support/exactly-once/store-place.ts';
import { tallyOf } from '../test/support/exactly-once/tally.ts';
import { makeDatabase, startPostgres } from '../test/support/postgres/postgres-server.ts';
import { freshSeed, seededRandom } from '../test/support/seeded-random.ts';

/**
 * `node bench/exactly-once.ts [events] [seed] [sqlite|postgres]`: the test of the same name at its full length. 10,000 item events, each
 * delivered one to five times in any order to 8 processes, of which one for every 40 events is killed. Ends with 1
 * when anything was lost or done twice.
 */
const [events = '10000', seed = String(freshSeed()), store = 'sqlite'] = process.argv.slice(2);
const count = Number(events);
const home = await mkdtemp(join(tmpdir(), 'modelfn-exactly-once-'));
const server = store === 'postgres' ? await startPostgres() : undefined;
const database = server && (await makeDatabase(server));
try {
  const place = database ? postgresPlace(database) : sqlitePlace(home);
  const space = await openParitySpace(home, place.address, count);
  await place.forbidEmptyItems();
  const report = await deliverAll({
    home,
    store: place.address,
    events: space.uploads,
    workers: 8,
    kills: Math.ceil(count / 40),
    random: seededRandom(Number(seed)),
  });
  const tally = { ...(await tallyOf(space)), integrity: await place.integrity() };
  await space.platform.close();
  process.stdout.write(
    `${JSON.stringify({ store, events: count, seed: Number(seed), ...report, ...tally }, null, 2)}\n`,
  );
  const isClean = tally.right === count && tally.succeeded === count && tally.executions === count;
  process.exitCode = isClean && tally.toldTwice === 0 && tally.integrity === 'ok' ? 0 : 1;
} finally {
  await database?.drop();
  await server?.stop();
  await rm(home, { recursive: true, force: true });
}
