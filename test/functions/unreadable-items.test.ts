import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemInput } from '../../adapters/model-adapter.ts';
import { convertFunction } from '../../functions/convert/convert.ts';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import type { Config } from '../../shared/config.ts';
import type { ContentStore } from '../../shared/content/content-store.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { JsonObject } from '../../shared/json.ts';
import { runInPlace } from '../support/run-function.ts';
import { tinyAdapters } from '../support/tiny-adapter.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('items that cannot be read', () => {
  let space: TinyWorkspace;
  afterEach(() => space.platform.close());

  /** A partition of 60 more items, the first `bad` of which are no JSON. */
  async function open(
    bad: number,
    { partition = 'train', ...config }: { partition?: 'train' | 'test' } & Partial<Config> = {},
  ) {
    space = await openTinyWorkspace({ config });
    const entries = Array.from({ length: 60 }, (_, index) => ({
      path: `/more/${String(index).padStart(2, '0')}.json`,
      bytes: encode(
        index < bad ? `no JSON ${index}` : JSON.stringify({ x: index % 2 === 0 ? 1 : 12, index }),
      ),
      label: index % 2 === 0 ? 'low' : 'high',
      partition,
    }));
    await uploadItems(space.platform, LOCAL_ACTOR, space.dataset.id, entries, { mode: 'skip' });
  }
  const train = (input: JsonObject = {}) =>
    runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id, ...input });
  const evaluate = (input: JsonObject = {}) =>
    runInPlace(space.container, evaluateFunction, { snapshot: space.snapshot.id, predict: true, ...input });
  const snapshot = async () => (await space.platform.store.get('Snapshot', space.snapshot.id))!;

  it('are left out of a training up to the share rounded up, and named in its output and lineage', async () => {
    await open(1);

    const output = await train();

    const leftOut = {
      unlabelled: 0,
      failedCount: 1,
      failed: [expect.objectContaining({ filename: '/more/00.json', code: 'ItemUnreadable' })],
    };
    expect(output).toMatchObject({ items: { train: 65, validation: 0 }, leftOut });
    expect((await snapshot()).lineage).toMatchObject({ leftOut });
  });

  it('above the share fail the training with their number and names, and nothing is saved', async () => {
    await open(2);

    await expect(train()).rejects.toMatchObject({
      code: 'TooManyUnreadable',
      statusCode: 422,
      message: expect.stringMatching(
        /2 of 66 items of the train partition .* \/more\/00\.json: .* \/more\/01\.json: /,
      ),
      details: {
        unreadable: 2,
        items: 66,
        allowed: 1,
        failed: [{ filename: '/more/00.json' }, { filename: '/more/01.json' }],
      },
    });

    expect(await snapshot()).toMatchObject({ revision: 0, weights: null });
  });

  it('are allowed by the share that one call or the setting gives', async () => {
    await open(6, { maxUnreadableShare: 0.1 });
    expect(await train()).toMatchObject({ items: { train: 60 }, leftOut: { failedCount: 6 } });

    await expect(train({ maxUnreadableShare: 0.05 })).rejects.toMatchObject({ code: 'TooManyUnreadable' });
    await space.platform.close();

    await open(1);
    await expect(train({ maxUnreadableShare: 0 })).rejects.toMatchObject({
      code: 'TooManyUnreadable',
      details: { allowed: 0 },
    });
  });

  it('above the share fail an evaluation, and no metric is kept', async () => {
    await open(2, { partition: 'test' });
    await train();

    await expect(evaluate()).rejects.toMatchObject({
      code: 'TooManyUnreadable',
      message: expect.stringContaining('the test partition'),
    });

    expect(await space.platform.store.count('MetricSample', { filter: { figure: 'test' } })).toBe(0);
    expect(await evaluate({ maxUnreadableShare: 0.04 })).toMatchObject({ items: 64, evaluated: 62 });
  });

  it('and leave nothing fail an evaluation whatever the share is', async () => {
    await open(60, { partition: 'test' });
    await train();
    const filter = { filename: '/more/*' };

    await expect(evaluate({ filter, maxUnreadableShare: 1 })).rejects.toMatchObject({
      code: 'TooManyUnreadable',
      details: { unreadable: 60, items: 60, allowed: 59 },
    });

    expect(await space.platform.store.count('MetricSample', { filter: { figure: 'test' } })).toBe(0);
  });

  it('do not count as converted', async () => {
    await open(0);

    expect(
      await runInPlace(space.container, convertFunction, { snapshot: space.snapshot.id, partition: 'train' }),
    ).toMatchObject({ items: { train: 66 }, failed: [] });
  });

  it('because their content is missing fail a training, a prediction and an evaluation', async () => {
    await open(0);
    await train();
    const { sha256 } = space.items.get('/test/4.json')!.content!;
    const file = join(space.platform.config.home, 'contents', sha256.slice(0, 2), sha256);
    await rm(file);
    const missing = { code: 'ContentMissing', statusCode: 404, details: { sha256 } };
    const items = { dataset: space.dataset.id, filter: { filename: '/test/*' } };

    await expect(
      runInPlace(space.container, predictFunction, { snapshot: space.snapshot.id, items }),
    ).rejects.toMatchObject(missing);
    await expect(evaluate()).rejects.toMatchObject(missing);
    expect(
      await space.platform.store.count('Annotation', {
        filter: { 'metadata.user.model.snapshot_id': space.snapshot.id },
      }),
    ).toBe(0);
  });

  it('for a fault of storage fail the run even where the adapter catches the error', async () => {
    await open(0);
    const content: ContentStore = {
      put: (source, maxBytes) => space.platform.content.put(source, maxBytes),
      stream: (info) => space.platform.content.stream(info),
      head: (info, sizeBytes) => space.platform.content.head(info, sizeBytes),
      bytes: async (info) => {
        if (info.sha256 === space.items.get('/train/2.json')!.content!.sha256) throw new Error('lost');
        return space.platform.content.bytes(info);
      },
    };
    const { builtIns } = tinyAdapters();
    const { prototype } = await builtIns.load('modelfn/tiny');
    const { prepare } = prototype;
    prototype.prepare = async function (input: ItemInput) {
      try {
        return await prepare.call(this, input);
      } catch {
        return 5;
      }
    };
    const container = createContainer({ ...space.platform, content }, builtIns);

    await expect(runInPlace(container, trainFunction, { snapshot: space.snapshot.id })).rejects.toMatchObject(
      { message: expect.stringContaining('lost') },
    );

    expect(await snapshot()).toMatchObject({ revision: 0, weights: null });
  });
});
