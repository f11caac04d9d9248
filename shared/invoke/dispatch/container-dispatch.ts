import { readLambdaEnvironment } from '../../config.ts';
import type { Json } from '../../json.ts';
import type { FunctionContext } from '../function-context.ts';
import type { Container } from '../run.ts';

/**
 * The way a call takes that is answered before it ran: the container's own, or the one that MODELFN_DISPATCH names.
 * Undefined where there is neither: the call then runs in place.
 */
export async function dispatchOf(
  container: Container,
  context: FunctionContext,
): Promise<FunctionContext['dispatch']> {
  return context.dispatch ?? lambdaDispatchOf(container);
}

/**
 * The way to the state machine that runs this function's calls slice by slice; undefined where there is none. `run`
 * names the machine's execution where it is not to be the call's id.
 */
export async function machineOf(
  container: Container,
): Promise<((payload: Json, run?: string) => Promise<void>) | undefined> {
  return container.platform.config.dispatch?.startsWith('arn:') ? lambdaDispatchOf(container) : undefined;
}

async function lambdaDispatchOf({ platform }: Container) {
  const target = platform.config.dispatch;
  const environment = target === undefined ? undefined : readLambdaEnvironment();
  if (target === undefined || environment === undefined) return undefined;
  const { lambdaDispatch } = await import('./lambda-dispatch.ts');
  return lambdaDispatch({ target, environment });
}
