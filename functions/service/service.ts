import { InternalError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/invoke/function-spec.ts';
import { findTarget } from '../../shared/services/find-target.ts';

/** Runs the functions of all services: which of them, and with what inputs, the package of the service that a call names declares. */
export const serviceFunction = defineFunction({
  name: 'service',
  description:
    'Runs a function of a service: {"service": id or {"name": ...}, "function": name, "inputs": {...}} as the package of the service declares them.',
  mode: 'background',
  inputs: {},
  target: findTarget,
  run: async () => {
    throw new InternalError(new Error('a call of a service was not taken to its function'));
  },
});
