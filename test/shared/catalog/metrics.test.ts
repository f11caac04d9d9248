import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteMetrics, logMetrics, readMetrics } from '../../../shared/catalog/metrics.ts';
import { STRANGER } from '../../support/workspace.ts';
import { type ModelWorkspace, openModelWorkspace } from './model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

const point = (figure: string, legend: string, x: number, y: number) => ({ figure, legend, x, y });

async function curve(choice = {}): Promise<string[]> {
  const { platform, actor, snapshot } = workspace;
  const samples = await readMetrics(platform, actor, snapshot.id, choice);
  return samples.map(({ figure, legend, x, y }) => `${figure}/${legend} ${x} ${y}`);
}

describe('metrics', () => {
  it('points come back by figure, legend and x, those at one x as they came', async () => {
    const { platform, actor, snapshot } = workspace;
    await logMetrics(platform, actor, snapshot.id, [
      point('loss', 'validation', 1, 5),
      point('loss', 'train', 10, 2),
      point('loss', 'train', 9, 3),
      point('accuracy', 'train', 1, 0.5),
    ]);
    await logMetrics(platform, actor, snapshot.id, point('loss', 'train', 9, 1));

    expect(await curve()).toEqual([
      'accuracy/train 1 0.5',
      'loss/train 9 3',
      'loss/train 9 1',
      'loss/train 10 2',
      'loss/validation 1 5',
    ]);
  });

  it('figure and legend narrow by exact name, a star in it is a star', async () => {
    const { platform, actor, snapshot } = workspace;
    await logMetrics(platform, actor, snapshot.id, [
      point('loss', 'train', 0, 1),
      point('loss*', 'train', 0, 2),
      point('loss', 'test', 0, 3),
    ]);

    expect(await curve({ figure: 'loss*' })).toEqual(['loss*/train 0 2']);
    expect(await curve({ figure: 'loss', legend: 'test' })).toEqual(['loss/test 0 3']);
  });

  it.each([null, '1', true, 'nan'])('y = %s is refused with the whole batch', async (y) => {
    const { platform, actor, snapshot } = workspace;

    await expect(
      logMetrics(platform, actor, snapshot.id, [point('f', 'l', 0, 1), { ...point('f', 'l', 1, 1), y }]),
    ).rejects.toMatchObject({ code: 'InvalidInput', details: { problems: [{ field: '1.y' }] } });
    expect(await curve()).toEqual([]);
  });

  it('NaN and infinities are stored as text, and points are ordered with them', async () => {
    const { platform, actor, snapshot } = workspace;
    await logMetrics(platform, actor, snapshot.id, [
      point('loss', 'train', 2, Number.NaN),
      point('loss', 'train', Number.NaN, 7),
      { ...point('loss', 'train', 3, 0), y: '-Infinity' },
      point('loss', 'train', 1, Number.POSITIVE_INFINITY),
    ]);

    expect(await curve()).toEqual([
      'loss/train 1 Infinity',
      'loss/train 2 NaN',
      'loss/train 3 -Infinity',
      'loss/train NaN 7',
    ]);
    const { items } = await platform.store.query('MetricSample', { filter: { y: { $gt: 0 } } });
    expect(items.map(({ y }) => y)).toEqual([7]);
    const { items: unknown } = await platform.store.query('MetricSample', { filter: { y: 'NaN' } });
    expect(unknown.map(({ x }) => x)).toEqual([2]);
  });

  it('a delete takes what it names and answers how many', async () => {
    const { platform, actor, snapshot } = workspace;
    await logMetrics(platform, actor, snapshot.id, [point('a', 'l', 0, 1), point('b', 'l', 0, 1)]);

    expect(await deleteMetrics(platform, actor, snapshot.id, { figure: 'a' })).toBe(1);
    expect(await curve()).toEqual(['b/l 0 1']);
  });

  it('a stranger neither reads, writes nor deletes them', async () => {
    const { platform, snapshot } = workspace;

    for (const attempt of [
      () => logMetrics(platform, STRANGER, snapshot.id, point('f', 'l', 0, 1)),
      () => readMetrics(platform, STRANGER, snapshot.id),
      () => deleteMetrics(platform, STRANGER, snapshot.id),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
  });
});
