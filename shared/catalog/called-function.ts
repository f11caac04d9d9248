import { type Actor, maySee } from '../auth/actor.ts';
import type { ServiceFacts } from '../invoke/invocation.ts';
import { declarationOf, FunctionAbsent, type ServiceFunction } from '../services/service-function.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertFunction } from './function-names.ts';
import { UnknownFunction } from './model-errors.ts';

/** What a trigger or a caller names: a function of modelfn's own, or one of a service. */
export interface NamedFunction {
  functionName: string;
  serviceId?: string | null | undefined;
}

/**
 * The service's function that a name means; `undefined` for one of modelfn's own. A service that nobody made is no error
 * for those: Dataloop's client names one for every call.
 * @throws UnknownFunction, PackageVersionMissing
 */
export async function calledFunction(
  store: EntityStore,
  actor: Actor,
  { functionName, serviceId }: NamedFunction,
  field: string,
): Promise<ServiceFunction | undefined> {
  const service = serviceId == null ? undefined : await store.get('Service', serviceId);
  if (!service || !maySee(actor, service.projectId)) {
    assertFunction(functionName, field);
    return undefined;
  }
  const pkg = await store.get('Package', service.packageId);
  if (!pkg) throw new UnknownFunction({ field, functionName }, [], undefined);
  try {
    return declarationOf(service, pkg, functionName);
  } catch (error) {
    if (error instanceof FunctionAbsent)
      throw new UnknownFunction({ field, functionName }, error.known, error.near);
    throw error;
  }
}

/** What an execution keeps of a service. */
export function factsOf({
  service,
  package: { id, name },
}: Pick<ServiceFunction, 'service' | 'package'>): ServiceFacts {
  const { version, maxAttempts } = service;
  return { packageId: id, packageName: name, version, maxAttempts };
}
