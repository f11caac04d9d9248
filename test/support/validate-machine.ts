import { createRequire } from 'node:module';
import type { Machine } from '../../shared/asl/machine.ts';

const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  isValid: boolean;
  errors: { 'Error code'?: string; Message?: string; path?: string }[];
};

/** What asl-validator finds wrong with a state machine; nothing for a good one. */
export function validateMachine(machine: Machine): string[] {
  const { isValid, errors } = validate(machine);
  return isValid ? [] : errors.map((error) => JSON.stringify(error));
}
