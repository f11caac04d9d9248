import { ModelfnError } from './errors.ts';

/** A method the adapter does not offer. */
export class AdapterMethodMissing extends ModelfnError {
  override readonly name = 'AdapterMethodMissing';
  readonly code = 'AdapterMethodMissing';
  readonly statusCode = 422;
  /** `offered`: the methods that the adapter has, where they are known. */
  constructor(
    adapter: string,
    method: string,
    advice: string = `Write ${method}() in it to use this function.`,
    offered?: readonly string[],
  ) {
    const has = offered === undefined ? '' : ` It has: ${offered.join(', ') || 'none'}.`;
    super(`The adapter ${adapter} has no ${method}.${has} ${advice}`, {
      details: { adapter, method, ...(offered && { offered: [...offered] }) },
    });
  }
}
