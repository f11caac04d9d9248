import { isJsonObject } from '../json.ts';

/**
 * A whole entity as a client sends it: a null on top says "not given". What is no object is left for the schema to
 * refuse.
 */
export function givenFields(input: unknown): unknown {
  if (!isJsonObject(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}
