import type * as z from 'zod/mini';
import { type InputProblem, InvalidInput } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/json.ts';
import { nearest } from '../../shared/nearest.ts';
import { parse } from '../../shared/parse.ts';

/** Reads a configuration over its defaults. @throws InvalidInput naming every unknown setting with the nearest known one */
export function readSettings<S extends z.core.$ZodType>(
  schema: S,
  defaults: Readonly<JsonObject>,
  configuration: Readonly<JsonObject>,
  what: string,
): z.output<S> {
  const known = Object.keys(defaults);
  const problems: InputProblem[] = Object.keys(configuration)
    .filter((key) => !known.includes(key))
    .map((field) => ({
      field,
      problem: `there is no such setting; the nearest is ${nearest(field, known)}`,
    }));
  if (problems.length > 0) throw new InvalidInput(what, problems);
  return parse(schema, { ...defaults, ...configuration }, what);
}
