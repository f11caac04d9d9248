import { expect, it } from 'vitest';
import { InvalidConfig, readConfig } from '../../shared/config.ts';
import { memoryGiven } from '../../shared/memory.ts';

const GIB = 2 ** 30;

it.each([
  [
    'a Lambda function its size',
    { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' },
    { constrained: GIB, total: 8 * GIB },
    GIB / 2,
  ],
  ['a container its limit', {}, { constrained: GIB, total: 8 * GIB }, GIB],
  ['a process without limit all of the machine', {}, { constrained: 0, total: 8 * GIB }, 8 * GIB],
  [
    'a process with a limit beyond the machine no more than that',
    {},
    { constrained: 2 ** 63, total: GIB },
    GIB,
  ],
])('%s is given', (_who, env, system, bytes) => {
  expect(memoryGiven(env, system)).toBe(bytes);
});

it('half of the memory given is for loaded adapters unless MODELFN_LOADED_BYTES says otherwise', () => {
  const env = { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024' };

  expect(readConfig(env).loadedBytes).toBe(GIB / 2);
  expect(readConfig({ ...env, MODELFN_LOADED_BYTES: '1000' }).loadedBytes).toBe(1000);
  expect(() => readConfig({ MODELFN_LOADED_BYTES: 'much' })).toThrow(InvalidConfig);
});
