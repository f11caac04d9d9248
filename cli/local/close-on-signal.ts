import type { Log } from '../../shared/log.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Has the first SIGINT or SIGTERM close what runs in good order, and a second one end the process at once. Resolves when
 * it is closed.
 */
export async function closeOnSignal(
  running: { close(): Promise<void> },
  log: Log,
  source: Pick<NodeJS.Process, 'on' | 'exit'> = process,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let asked = false;
  for (const signal of SIGNALS)
    source.on(signal, () => {
      if (asked) source.exit(130);
      asked = true;
      resolve(signal);
    });
  const signal = await promise;
  log.info('closing; a second signal ends at once', { signal });
  await running.close();
}
