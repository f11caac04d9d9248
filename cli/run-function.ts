import { reapExecutions } from '../shared/catalog/abandoned-executions.ts';
import { getExecution, terminateExecution } from '../shared/catalog/executions.ts';
import { Cancelled } from '../shared/errors.ts';
import type { JsonObject } from '../shared/json.ts';
import { progressBar } from './output/progress-bar.ts';
import type { Session } from './session.ts';

/** How often the run's record is looked at. */
const POLL_MS = 150;

export interface RunOptions {
  /** Folders that the run may read and write beside those of the configuration; absolute. */
  localRoots?: readonly string[];
  /** The function `service` runs one of this service. */
  ofService?: { id: string; functionName: string };
}

/**
 * Runs a function in a process of its own and answers its output; a bar shows how far it is. Ctrl-C asks the run to
 * terminate and waits for its end.
 * @throws the codes of the function; Cancelled when it was interrupted
 */
export async function runFunction(
  session: Session,
  name: string,
  inputs: JsonObject,
  { localRoots = [], ofService }: RunOptions = {},
): Promise<{ output: JsonObject; executionId: string }> {
  const executionId = session.platform.ids.objectId();
  const bar = progressBar(session.io, ofService?.functionName ?? name, session.mode.json);
  bar.update(0, 'starting');
  try {
    await reapExecutions(session.platform, { graceMs: 0, only: 'cli' });
    const host = await session.openFunction(name, localRoots);
    if (session.io.interrupted.aborted) throw new Cancelled(name, session.io.interrupted.reason);
    const running = host.invokeToEnd(
      name,
      {
        function: ofService?.functionName ?? name,
        ...(ofService && { service: ofService.id }),
        executionId,
        inputs,
        context: { caller: 'cli' },
      },
      { timeoutMs: undefined },
    );
    const watch = follow(session, executionId, (percent, message) => bar.update(percent / 100, message));
    try {
      return { output: (await running) as JsonObject, executionId };
    } finally {
      await watch.end();
    }
  } finally {
    bar.end();
  }
}

/** Shows a run's progress, and passes the person's wish to stop on, until ended. */
function follow(
  { platform, actor, io }: Session,
  executionId: string,
  show: (percent: number, message: string | undefined) => void,
): { end(): Promise<void> } {
  let isAsked = false;
  const look = async (): Promise<void> => {
    if (io.interrupted.aborted && !isAsked) {
      await terminateExecution(platform, actor, executionId);
      isAsked = true;
    }
    const { latestStatus } = await getExecution(platform, actor, executionId);
    show(latestStatus.percentComplete ?? 0, isAsked ? 'stopping' : latestStatus.message);
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look()
      // Not claimed yet, or the store is busy: looked at again in a moment. What is really wrong ends the run itself.
      .catch(() => undefined)
      .finally(() => {
        looking = undefined;
      });
  }, POLL_MS);
  return {
    async end() {
      clearInterval(timer);
      await looking;
    },
  };
}
