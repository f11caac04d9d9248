import { factsOf } from '../catalog/called-function.ts';
import { UnknownFunction } from '../catalog/model-errors.ts';
import type { Service } from '../entities/service.ts';
import { InvalidInput } from '../errors.ts';
import type { FunctionSpec, Target } from '../invoke/function-spec.ts';
import type { Invocation } from '../invoke/invocation.ts';
import type { Container } from '../invoke/run.ts';
import { Resolver } from '../resolve/resolver.ts';
import { EntityNotFound } from '../store/errors.ts';
import { ExecutionTimedOut } from './errors.ts';
import { inputSpecsOf } from './input-specs.ts';
import { runFunction } from './run-function.ts';
import { assertActive, declarationOf, FunctionAbsent, type ServiceFunction } from './service-function.ts';

/** The function that a call of a service means, as everything that runs functions takes it. @throws what `Target` says */
export async function findTarget(container: Container, call: Invocation): Promise<Target> {
  const called = await calledBy(container, call);
  const { service } = called;
  assertActive(service);
  return {
    spec: specOf(called),
    call: { ...call, serviceId: service.id, service: factsOf(called), projectId: service.projectId },
  };
}

async function calledBy(container: Container, call: Invocation): Promise<ServiceFunction> {
  const { platform, entities } = container;
  const { functionName, serviceReference, actor, projectId } = call;
  if (serviceReference == null)
    throw new InvalidInput('call of a service', [{ field: 'service', problem: 'is missing' }]);
  const resolver = new Resolver({ store: platform.store, cache: entities, actor, projectId });
  const wanted = { kind: 'Service' as const, value: serviceReference, field: 'service', many: false };
  const service = (await resolver.resolve([wanted])).entities[0]![0] as Readonly<Service>;
  const packages = await entities.getMany(platform.store, 'Package', [service.packageId]);
  const pkg = packages.get(service.packageId);
  if (!pkg) throw new EntityNotFound({ kind: 'Package', reference: service.packageId, field: 'service' });
  try {
    return declarationOf(service, pkg, functionName);
  } catch (error) {
    if (!(error instanceof FunctionAbsent)) throw error;
    throw new UnknownFunction({ field: 'function', functionName }, error.known, error.near);
  }
}

function specOf(called: ServiceFunction): FunctionSpec {
  const { service, declared } = called;
  return {
    name: declared.name,
    description: declared.description,
    mode: 'background',
    inputs: inputSpecsOf(declared.input),
    limits: {
      timeoutMs: service.executionTimeout * 1000,
      timedOut: () => new ExecutionTimedOut(service.name, declared.name, service.executionTimeout),
    },
    run: (inputs, run) => runFunction(called, inputs, run),
  };
}
