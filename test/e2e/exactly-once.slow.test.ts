import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { deleteAnnotation, listAnnotations } from '../../shared/catalog/annotations.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { deliverAll } from '../support/exactly-once/deliver.ts';
import { openParitySpace, type ParitySpace, TIMES } from '../support/exactly-once/parity-space.ts';
import { postgresPlace, type StorePlace, sqlitePlace } from '../support/exactly-once/store-place.ts';
import { tallyOf } from '../support/exactly-once/tally.ts';
import { makeDatabase, startPostgres } from '../support/postgres/postgres-server.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';

/** `EXACTLY_ONCE_EVENTS=10000` is the long form; `bench/exactly-once.ts` runs it and tells the times. */
const EVENTS = process.env.EXACTLY_ONCE_EVENTS;
const SEED = Number(process.env.EXACTLY_ONCE_SEED ?? freshSeed());

const server = await startPostgres();
afterAll(() => server.stop());

async function placeInPostgres(): Promise<StorePlace> {
  const database = await makeDatabase(server);
  onTestFinished(() => database.drop());
  return postgresPlace(database);
}

/** Processes are served at the same time, or not at all. */
const shared = server.isConcurrent
  ? [
      {
        store: 'postgres',
        events: Number(EVENTS ?? 80),
        workers: 4,
        often: 20,
        dying: 0,
        placeIn: placeInPostgres,
      },
    ]
  : [];

describe.each([
  {
    store: 'sqlite',
    events: Number(EVENTS ?? 1_000),
    workers: 8,
    /** A process is killed for every so many events. */
    often: 40,
    /** The share of these that is sure to die before the queue is empty. */
    dying: 0.5,
    placeIn: async (home: string) => sqlitePlace(home),
  },
  ...shared,
])(
  'item events that come more than once and in any order, to processes that are killed, with $store',
  ({ events, workers, often, dying, placeIn }) => {
    async function open(count: number): Promise<ParitySpace & { home: string; place: StorePlace }> {
      const home = temporaryFolder();
      const place = await placeIn(home);
      const space = await openParitySpace(home, place.address, count);
      onTestFinished(() => space.platform.close());
      await place.forbidEmptyItems();
      return { home, place, ...space };
    }

    it(`leave each item with its predictions once, and at no moment with none (seed ${SEED})`, async () => {
      const space = await open(events);
      const kills = Math.ceil(events / often);

      const report = await deliverAll({
        home: space.home,
        store: space.place.address,
        events: space.uploads,
        workers,
        kills,
        random: seededRandom(SEED),
      });

      // A commit that the database refused would be a failure with another code.
      const { ExecutionInProgress: _held, LeaseLost: _takenOver, ...others } = report.failures;
      expect(others).toEqual({});
      expect(report.kills).toBeGreaterThan(kills * dying);
      expect(await tallyOf(space)).toEqual({
        right: events,
        duplicated: 0,
        lost: 0,
        executions: events,
        succeeded: events,
        told: events * TIMES.second,
        toldTwice: 0,
      });
      expect(await space.place.integrity()).toBe('ok');
    }, 600_000);

    it('would be told of by the watch: no commit leaves an item without its predictions', async () => {
      const space = await open(2);
      const annotations = await listAnnotations(space.platform, LOCAL_ACTOR, space.items[0]!.id);
      const remove = (index: number) => deleteAnnotation(space.platform, LOCAL_ACTOR, annotations[index]!.id);

      await remove(0);
      await remove(1);

      await expect(remove(2)).rejects.toThrow();
      expect(await listAnnotations(space.platform, LOCAL_ACTOR, space.items[0]!.id)).toHaveLength(1);
    });
  },
);
