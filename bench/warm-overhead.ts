import { predictFunction } from '../functions/predict/predict.ts';
import { createItemInput } from '../shared/inputs/item-input.ts';
import { callFromPipeline } from '../shared/invoke/callers/pipeline.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';
import type { Workspace } from './workspace.ts';

const ROUNDS = 2_000;
/** Enough for V8 to have compiled what runs: from there on, times stay. */
const WARM_UP = 3_000;

/**
 * One prediction of one item in a warm process: the adapter called bare (read the item's bytes, prepare, predict), beside the
 * function called by a pipeline (read the call, resolve, the same work, record the execution), and the same with the
 * prediction written back to the item.
 */
export async function warmOverhead(space: Workspace): Promise<string> {
  const { platform, container, snapshotId, testItems } = space;
  const snapshot = (await platform.store.get('Snapshot', snapshotId))!;
  const model = (await platform.store.get('Model', snapshot.modelId))!;
  const { value: loaded, release } = await container.loaded.acquire(snapshot, model);
  const signal = new AbortController().signal;
  const itemOf = (round: number) => testItems[round % testItems.length]!;
  const call = (round: number, write: boolean) =>
    callFromPipeline(
      container,
      predictFunction,
      { inputs: { snapshot: { snapshot_id: snapshotId }, item: { item_id: itemOf(round).id }, write } },
      undefined,
    );
  const sides: Record<string, { run: (round: number) => Promise<unknown>; times: number[] }> = {
    'adapter, bare': {
      run: async (round) => {
        const item = itemOf(round);
        const sample = await loaded.adapter.prepare(
          createItemInput(item, () => platform.content.bytes(item.content!)),
        );
        return loaded.adapter.predict([sample], { signal });
      },
      times: [],
    },
    'function, nothing written back': { run: (round) => call(round, false), times: [] },
    'function, prediction written back': { run: (round) => call(round, true), times: [] },
  };
  for (let round = -WARM_UP; round < ROUNDS; round += 1)
    for (const side of Object.values(sides)) {
      const started = performance.now();
      await side.run(Math.abs(round));
      if (round >= 0) side.times.push(performance.now() - started);
    }
  release();
  const base = spreadOf(sides['adapter, bare']!.times).median;
  return [
    '## Warm overhead',
    `Milliseconds for one item in one warm process, median of ${ROUNDS} interleaved calls and middle half. Every call of the function is recorded as an execution. Aim: less than 0.2 ms over the bare adapter.`,
    markdownTable(
      ['', 'ms', 'over bare, ms'],
      Object.entries(sides).map(([name, { times }]) => [
        name,
        shown(spreadOf(times), 3),
        (spreadOf(times).median - base).toFixed(3),
      ]),
    ),
  ].join('\n\n');
}
