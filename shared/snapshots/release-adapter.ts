import type { ModelAdapter } from '../../adapters/model-adapter.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** Releases what an adapter holds that nobody will call again: its processes, its handles. Never throws. */
export async function releaseAdapter(adapter: ModelAdapter<unknown> | undefined, log: Log): Promise<void> {
  try {
    await adapter?.unload?.();
  } catch (error) {
    log.warn('an adapter failed to unload', { error: messageOf(error) });
  }
}
