import type { DeclaredFunction } from '../entities/package.ts';
import type { PipelineNode } from '../entities/pipeline.ts';
import { SERVICE_FUNCTION } from '../invoke/deployed-function.ts';
import { nearest } from '../nearest.ts';
import { FUNCTION_PORTS, type FunctionPorts } from './function-ports.ts';

/** What a node takes and answers; a text says why it cannot run. */
export type PortsOf = (node: PipelineNode) => FunctionPorts | string;

/** Whether a node runs a function of a service, by the name of that service. */
export function isServiceNode({ type, namespace }: PipelineNode): boolean {
  return type === 'code' || (type === 'function' && typeof namespace.serviceName === 'string');
}

/** The deployed function that a node calls. */
export function deployedFunctionOfNode(node: PipelineNode): string {
  return isServiceNode(node) ? SERVICE_FUNCTION : node.namespace.functionName;
}

/** The ports of modelfn's own functions; nodes of services are not known here. */
export const builtInPorts: PortsOf = (node) => {
  const { type, namespace } = node;
  if (type === 'code' && typeof namespace.serviceName !== 'string')
    return 'is of type code and names no service: push its code as a package, deploy it, and name it in namespace.serviceName';
  if (isServiceNode(node)) return `there is no service ${shown(namespace.serviceName)}`;
  if (type !== 'function')
    return `is of type ${type}; functions alone can run, of type "function", or of type "code" for those of a service`;
  if (Object.hasOwn(FUNCTION_PORTS, namespace.functionName)) return FUNCTION_PORTS[namespace.functionName]!;
  const near = nearest(namespace.functionName.slice(0, 100), Object.keys(FUNCTION_PORTS));
  return `there is no function ${shown(namespace.functionName)}; the nearest is ${near}`;
};

/** The functions of services, by the services' names; else what `builtInPorts` knows. */
export function portsWithServices(services: ReadonlyMap<string, readonly DeclaredFunction[]>): PortsOf {
  return (node) => {
    const { serviceName, functionName } = node.namespace;
    if (!isServiceNode(node) || typeof serviceName !== 'string') return builtInPorts(node);
    const functions = services.get(serviceName);
    if (!functions) return `there is no service ${shown(serviceName)} in the pipeline's project`;
    const declared = functions.find(({ name }) => name === functionName);
    if (declared) return portsOfDeclared(declared);
    const names = functions.map(({ name }) => name);
    return `service ${serviceName} has no function ${shown(functionName)}; the nearest is ${nearest(functionName.slice(0, 100), names) ?? 'none, it has none'}`;
  };
}

/** `output` beside the outputs that are declared: all of them together. */
function portsOfDeclared({ input, output }: DeclaredFunction): FunctionPorts {
  return {
    inputs: Object.fromEntries(
      input.map(({ name, type, value, optional }) => [
        name,
        { type, ...(value === undefined && !optional && { required: true as const }) },
      ]),
    ),
    outputs: {
      output: { type: 'Json' },
      ...Object.fromEntries(output.map(({ name, type }) => [name, { type }])),
    },
  };
}

function shown(name: string | null | undefined): string {
  return JSON.stringify((name ?? '').slice(0, 100));
}
