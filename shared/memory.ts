import { totalmem } from 'node:os';

/**
 * Bytes of memory this process was given: a Lambda function's size, a container's limit, else all of the machine's.
 * `env` and `system` are what tells.
 */
export function memoryGiven(
  env: Readonly<Record<string, string | undefined>>,
  system: { constrained: number; total: number } = {
    constrained: process.constrainedMemory(),
    total: totalmem(),
  },
): number {
  const megabytes = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  if (megabytes > 0) return megabytes * 2 ** 20;
  // 0 or beyond the machine's when there is no limit.
  return system.constrained > 0 ? Math.min(system.constrained, system.total) : system.total;
}
