/** The deployed function that runs the functions of all services. */
export const SERVICE_FUNCTION = 'service';

/** Name of the deployed function that a call of a trigger or an execution goes to. */
export function deployedFunctionOf(call: {
  functionName: string;
  packageId?: string | null | undefined;
}): string {
  return call.packageId == null ? call.functionName : SERVICE_FUNCTION;
}
