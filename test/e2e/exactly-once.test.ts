import { describe, expect, it, onTestFinished } from 'vitest';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { deleteAnnotation, listAnnotations } from '../../shared/catalog/annotations.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { deliverAll } from '../support/exactly-once/deliver.ts';
import { forbidEmptyItems } from '../support/exactly-once/never-empty.ts';
import { openParitySpace, type ParitySpace, TIMES } from '../support/exactly-once/parity-space.ts';
import { tallyOf } from '../support/exactly-once/tally.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';

/** `EXACTLY_ONCE_EVENTS=10000` is the long form; `bench/exactly-once.ts` runs it and tells the times. */
const EVENTS = Number(process.env.EXACTLY_ONCE_EVENTS ?? 1_000);
const SEED = Number(process.env.EXACTLY_ONCE_SEED ?? freshSeed());

describe('item events that come more than once and in any order, to processes that are killed,', () => {
  async function open(count: number): Promise<ParitySpace & { home: string }> {
    const home = temporaryFolder();
    const space = await openParitySpace(home, count);
    onTestFinished(() => space.platform.close());
    forbidEmptyItems(space.storePath);
    return { home, ...space };
  }

  it(`leave each item with its predictions once, and at no moment with none (seed ${SEED})`, async () => {
    const space = await open(EVENTS);
    const kills = Math.ceil(EVENTS / 40);

    const report = await deliverAll({
      home: space.home,
      events: space.uploads,
      workers: 8,
      kills,
      random: seededRandom(SEED),
    });

    // A commit that the database refused would be a failure with another code.
    const { ExecutionInProgress: _held, LeaseLost: _takenOver, ...others } = report.failures;
    expect(others).toEqual({});
    expect(report.kills).toBeGreaterThan(kills / 2);
    expect(await tallyOf(space)).toEqual({
      right: EVENTS,
      duplicated: 0,
      lost: 0,
      executions: EVENTS,
      succeeded: EVENTS,
      told: EVENTS * TIMES.second,
      toldTwice: 0,
      integrity: 'ok',
    });
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
});
