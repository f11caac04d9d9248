import { join } from 'node:path';
import { toEnvironment } from '../../shared/config.ts';
import type { Platform } from '../../shared/platform.ts';
import { FunctionHost } from '../local/function-host.ts';
import { ROOT } from '../session.ts';

const WARM_CALLS = 50;

/**
 * Milliseconds of one item's prediction: from the start of a fresh process to its answer, and the median of further calls
 * of that process, each resolved, predicted and written back.
 */
export async function measureCalls(
  platform: Platform,
  snapshotId: string,
  itemIds: readonly string[],
): Promise<{ coldMs: number; warmMs: number }> {
  const host = new FunctionHost({
    bundles: new Map([['predict', join(ROOT, 'dist', 'predict', 'index.mjs')]]),
    workersPerFunction: 1,
    env: toEnvironment(platform.config),
    log: platform.log,
  });
  const call = async (itemId: string): Promise<number> => {
    const started = performance.now();
    await host.invoke('predict', {
      inputs: { snapshot: { snapshot_id: snapshotId }, item: { item_id: itemId } },
    });
    return performance.now() - started;
  };
  try {
    const coldMs = await call(itemIds[0]!);
    const warm: number[] = [];
    for (let index = 0; index < WARM_CALLS; index += 1)
      warm.push(await call(itemIds[index % itemIds.length]!));
    warm.sort((a, b) => a - b);
    return { coldMs, warmMs: warm[WARM_CALLS / 2]! };
  } finally {
    await host.close();
  }
}
