import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AdapterMethodMissing, type EvaluationPair } from '../../adapters/model-adapter.ts';
import { CHECKS } from '../../conformance/checks.ts';
import { checkAdapter } from '../../conformance/index.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { BROKEN_ADAPTERS, SOUND_CENTRES } from './broken-adapters.ts';
import { SoundAdapter } from './sound-adapter.ts';

/** Enough for an adapter that stops; the one that never does is waited for this long. */
const cancelWithinMs = 250;

describe('the conformance kit', () => {
  it('finds nothing against an adapter that keeps every promise', async () => {
    const { passed, checks } = await checkAdapter(SoundAdapter);

    expect(checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(checks.map(({ id }) => id)).toEqual(CHECKS.map(({ id }) => id));
    expect(passed).toBe(true);
  });

  it.each(BROKEN_ADAPTERS)('finds an adapter that $does', async ({ adapterClass, fails, says }) => {
    const { passed, checks } = await checkAdapter(adapterClass, { cancelWithinMs });

    const failed = checks.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ id }) => id).sort()).toEqual([...fails].sort());
    expect(failed.find(({ id }) => id === fails[0])?.reason).toMatch(says);
    expect(passed).toBe(false);
  });

  it('has a broken adapter for each of its checks', () => {
    const found = new Set(BROKEN_ADAPTERS.map(({ fails }) => fails[0]));

    expect([...found].sort()).toEqual(CHECKS.map(({ id }) => id).sort());
  });

  it('does not run what says nothing after a failure, and tells why', async () => {
    const { checks } = await checkAdapter(
      BROKEN_ADAPTERS.find(({ does }) => does === 'saves nothing')!.adapterClass,
    );

    expect(checks.find(({ id }) => id === 'roundTrip')).toMatchObject({
      outcome: 'skipped',
      reason: 'it needs that a new instance loads what it saves',
    });
    expect(checks.find(({ id }) => id === 'missingClass')).toMatchObject({ outcome: 'passed' });
  });

  it('does not hold an adapter to a conversion that it says it does not have', async () => {
    class OneWay extends SoundAdapter {
      // biome-ignore lint/correctness/useYield: it says that there is nothing to yield
      override async *convertBack(): AsyncGenerator<never> {
        throw new AdapterMethodMissing('OneWay', 'convertBack');
      }
    }

    const { passed, checks } = await checkAdapter(OneWay);

    expect(checks.at(-1)).toMatchObject({
      id: 'convertBack',
      outcome: 'skipped',
      reason: expect.stringContaining('OneWay has no convertBack'),
    });
    expect(passed).toBe(true);
  });

  it('holds an adapter to predict, whatever it says', async () => {
    class Silent extends SoundAdapter {
      override predict(): never {
        throw new AdapterMethodMissing('Silent', 'predict');
      }
    }

    const { checks } = await checkAdapter(Silent);

    expect(checks.find(({ id }) => id === 'roundTrip')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('found: AdapterMethodMissing: The adapter Silent has no predict'),
    });
  });

  it('checks an adapter that does not train from the weights it is given, and leaves those as they are', async () => {
    class Pretrained extends SoundAdapter {
      override async train(): Promise<void> {
        throw new AdapterMethodMissing('Pretrained', 'train');
      }
    }
    const weights = temporaryFolder();
    await writeFile(join(weights, 'centres.json'), JSON.stringify(SOUND_CENTRES));

    const without = await checkAdapter(Pretrained);
    const { passed, checks } = await checkAdapter(Pretrained, { weights });

    expect(without.checks.find(({ id }) => id === 'trains')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('--weights'),
    });
    const skipped = checks.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id);
    expect(skipped).toEqual(['trains', 'reports', 'trainTwice', 'slices', 'missingClass', 'cancelTrain']);
    expect(passed).toBe(true);
    expect(await readdir(weights)).toEqual(['centres.json']);
  });

  it.each(['image', 'tabular', 'json', 'text', null])(
    'makes items of the input type %s',
    async (inputType) => {
      const wanted = inputType === 'image' ? ['box', 'class'] : ['class'];
      const watched = async function* (pairs: AsyncIterable<EvaluationPair>) {
        for await (const pair of pairs) {
          expect(pair.groundTruth.map(({ type }) => type).sort()).toEqual(wanted);
          yield pair;
        }
      };
      class Bytes extends SoundAdapter {
        static override readonly inputType = inputType;
        override async prepare(input: Parameters<SoundAdapter['prepare']>[0]): Promise<number[]> {
          if (inputType === 'image') return [...(await input.image({ width: 4, height: 4 })).data];
          if (inputType !== 'text') return super.prepare(input);
          const { text } = (await input.json()) as { text: string };
          return [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => text.split(letter).length);
        }
        override evaluate(pairs: AsyncIterable<EvaluationPair>): ReturnType<SoundAdapter['evaluate']> {
          return super.evaluate(watched(pairs));
        }
      }

      expect((await checkAdapter(Bytes)).checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    },
  );

  it('refuses an input type that it can make no items of', async () => {
    class Audio extends SoundAdapter {
      static override readonly inputType = 'audio';
    }

    await expect(checkAdapter(Audio)).rejects.toMatchObject({ code: 'CheckDataUnusable' });
  });

  it.each([
    ['is not there', (folder: string) => join(folder, 'missing')],
    ['is empty', (folder: string) => folder],
  ])('refuses a folder of weights that %s', async (_what, path) => {
    const weights = path(temporaryFolder());

    await expect(checkAdapter(SoundAdapter, { weights })).rejects.toMatchObject({
      code: 'CheckDataUnusable',
    });
  });

  it('gives a check up that does not end', async () => {
    class Endless extends SoundAdapter {
      override async load(): Promise<void> {
        await new Promise(() => undefined);
      }
    }

    const { checks } = await checkAdapter(Endless, { limitMs: 1_000 });

    expect(checks.find(({ id }) => id === 'loads')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('it had not ended after 1000 ms'),
    });
  });

  it('stops between two checks when it is asked to, and leaves no folder behind', async () => {
    const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('modelfn-check-'));
    const before = await folders();
    const abort = new AbortController();
    const seen: string[] = [];
    const onCheck = ({ id }: { id: string }) => {
      seen.push(id);
      if (id === 'trains') abort.abort();
    };

    await expect(checkAdapter(SoundAdapter, { signal: abort.signal, onCheck })).rejects.toMatchObject({
      code: 'Cancelled',
    });
    expect(seen.at(-1)).toBe('trains');
    expect(await folders()).toEqual(before);
  });
});
