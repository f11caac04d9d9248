import { type Execution, isFinished } from '../entities/execution.ts';
import { hasCode } from '../errors.ts';
import { payloadOf } from './callers/task-payload.ts';
import { machineOf } from './dispatch/container-dispatch.ts';
import { newExecution } from './executions.ts';
import type { Invocation } from './invocation.ts';
import type { Container } from './run.ts';

/**
 * Hands the call of an event or a time to the function's state machine, where it has one: an event brings no second
 * slice, the machine does. The execution is on record before the machine begins, so that it shows at once whose it is;
 * a call that comes again is the same execution, and begins nothing. False where the call is to run here.
 * @throws DispatchFailed, so that the event comes again
 */
export async function handOver(
  container: Container,
  call: Invocation & { executionId: string },
): Promise<boolean> {
  const machine = await machineOf(container);
  if (machine === undefined) return false;
  const execution = await recorded(container, call);
  if (isFinished(execution)) return true;
  await machine(payloadOf({ ...call, input: execution.input }), runOf(execution));
  return true;
}

/** The execution of the call, which was begun with the inputs it has by now. */
async function recorded(
  { platform }: Container,
  call: Invocation & { executionId: string },
): Promise<Execution> {
  const known = await platform.store.get('Execution', call.executionId);
  if (known) return known;
  const execution = newExecution(platform, call.executionId, call);
  try {
    await platform.store.insert('Execution', [execution]);
    return execution;
  } catch (error) {
    const other = hasCode(error, 'Conflict')
      ? await platform.store.get('Execution', call.executionId)
      : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

/** A run that was asked for once more is another execution of the machine, each time. */
function runOf({ id, status }: Execution): string {
  const reruns = status.filter((entry) => entry.status === 'rerun').length;
  return reruns === 0 ? id : `${id}-rerun-${reruns}`;
}
