import { readLambdaEnvironment } from '../../config.ts';
import type { FunctionContext } from '../function-context.ts';
import type { Container } from '../run.ts';

/**
 * The way a call takes that is answered before it ran: the container's own, or the one that MODELFN_DISPATCH names.
 * Undefined where there is neither: the call then runs in place.
 */
export async function dispatchOf(
  { platform }: Container,
  context: FunctionContext,
): Promise<FunctionContext['dispatch']> {
  if (context.dispatch) return context.dispatch;
  const target = platform.config.dispatch;
  const environment = target === undefined ? undefined : readLambdaEnvironment();
  if (target === undefined || environment === undefined) return undefined;
  const { lambdaDispatch } = await import('./lambda-dispatch.ts');
  return lambdaDispatch({ target, environment });
}
